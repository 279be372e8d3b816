import { randomUUID } from 'node:crypto';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import type { AnalyticsPayload } from '../../src/contract/analytics.ts';
import { toMoment } from '../../src/domain/event-date.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import type { Database } from '../../src/store/database.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { finishAttempt } from '../../src/store/execution-ledger/finish-attempt.ts';
import { pushHandler } from '../../src/store/handlers.ts';

export function aPayload(change: Partial<AnalyticsPayload> = {}): AnalyticsPayload {
  return {
    event_name: 'weni_nexus_data',
    key: 'conversation_classification',
    date: '2026-01-05T12:00:00Z',
    project: 'parcels',
    contact_urn: 'tel:+1',
    value_type: 'string',
    value: 'resolved',
    metadata: {},
    ...change,
  };
}

/** An execution that registered these, each to be delivered to these sinks now; its id. */
export async function registerEvents(
  db: Database,
  organizationId: string,
  payloads: readonly AnalyticsPayload[],
  sinks: readonly string[] = [],
): Promise<string> {
  await pushHandler(db, organizationId, {
    name: 'registers',
    eventType: 'conversation_closed',
    language: 'python',
    code: 'def handle_event(context): pass',
    settings: { attempts: 1 },
  });
  const id = randomUUID();
  const conversation = { id, publicId: id, subject: 'S', businessSlug: 'b', messages: [] };
  const event = ConversationEventInput.parse({ id, type: 'conversation_closed', conversation });
  const [execution] = (await acceptEvent(db, organizationId, event)).executions;
  if (execution === undefined) throw new Error('nothing was pinned');
  const now = new Date();
  const ref = { organizationId, executionId: execution.executionId, attempt: 1 };
  await beginAttempt(db, { ...ref, turn: 1, claimFor: 'run', queuedAt: now, startedAt: now, worker: 'w' });
  const events = payloads.map((payload) => ({
    state: 'accepted' as const,
    reason: null,
    registered: { key: payload.key },
    payload,
    moment: toMoment(payload.date),
  }));
  const end = {
    outcome: 'succeeded',
    reason: null,
    error: null,
    resultJson: '1',
    runMs: 1,
    final: 'succeeded',
    reached: [],
  } as const;
  await finishAttempt(db, ref, { ...end, analytics: { events, sinks, redeliverFrom: now } }, []);
  return execution.executionId;
}
