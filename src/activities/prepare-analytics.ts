import { prepareEvent, type EventOrigin } from '../analytics/prepare-event.ts';
import type { AnalyticsSink } from '../analytics/sink.ts';
import { storeSink } from '../analytics/sinks/store-sink.ts';
import { deliveryPolicy, type DeliveryPolicy } from '../domain/delivery-policy.ts';
import type { RegisteredEvent } from '../sandbox/sandbox.ts';
import { deliveredBefore, type DeliveredBefore } from '../store/delivered-before.ts';
import { loadAnalyticsOrigin } from '../store/analytics-origin.ts';
import { enabledSinkIds } from '../store/sinks.ts';
import type { Database } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import type { NewAnalyticsEvent, NewAnalyticsEvents } from '../store/execution-ledger/register-events.ts';
import type { HandlerResult } from './run-in-cage.ts';
import { firstText, namespacesOf, partyOf } from './tool-context.ts';

export interface AnalyticsOptions {
  /** The store alone where left out. */
  readonly sinks?: readonly AnalyticsSink[] | undefined;
  readonly deliveryPolicy?: DeliveryPolicy | undefined;
}

/** What an attempt registered, as it is stored with the attempt's end; undefined where that is nothing. */
export async function prepareAnalytics(
  db: Database,
  { sinks = [storeSink], deliveryPolicy: policy = deliveryPolicy }: AnalyticsOptions,
  ref: AttemptRef,
  begun: BegunAttempt,
  result: HandlerResult,
): Promise<NewAnalyticsEvents | undefined> {
  if (result.outcome !== 'succeeded' && result.outcome !== 'failed') return undefined;
  if (result.events.length === 0) return undefined;
  const now = new Date();
  const origin = result.outcome === 'succeeded' ? await originOf(db, ref, begun, now) : undefined;
  const sinkNames = [...sinks.map(({ name }) => name), ...(await enabledSinkIds(db, ref.organizationId))];
  const before = isRerun(ref, begun) ? await deliveredBefore(db, ref, begun.rootId) : [];
  return {
    events: result.events.map((registered, ordinal) =>
      origin === undefined
        ? undelivered(registered)
        : lessDelivered(prepared(registered, origin, begun.executionKind === 'test'), ordinal, before, sinkNames),
    ),
    sinks: sinkNames,
    redeliverFrom: new Date(now.getTime() + policy.firstTriesMs),
  };
}

function undelivered({ event }: RegisteredEvent): NewAnalyticsEvent {
  return { state: 'not_delivered', reason: null, registered: event, payload: null, moment: null };
}

/** A test run checks them like any other and sends nothing. */
function prepared({ event, fault }: RegisteredEvent, origin: EventOrigin, test: boolean): NewAnalyticsEvent {
  const outcome = prepareEvent(event, fault, origin);
  if (outcome.state === 'rejected') {
    return { state: 'rejected', reason: outcome.reason, registered: event, payload: null, moment: null };
  }
  const { payload, moment } = outcome;
  return { state: test ? 'test' : 'accepted', reason: null, registered: event, payload, moment };
}

function isRerun({ executionId }: AttemptRef, { rootId }: BegunAttempt): boolean {
  return rootId !== executionId;
}

/** The same event at the same place is no second one: a sink that has it from a predecessor does not get it again. */
function lessDelivered(
  event: NewAnalyticsEvent,
  ordinal: number,
  before: readonly DeliveredBefore[],
  sinks: readonly string[],
): NewAnalyticsEvent {
  if (event.state !== 'accepted' || before.length === 0) return event;
  const json = JSON.stringify(event.registered);
  const deliveredTo = before
    .filter((one) => one.ordinal === ordinal && one.registered === json)
    .map(({ sink }) => sink);
  const everywhere = sinks.every((sink) => deliveredTo.includes(sink));
  return everywhere ? { ...event, state: 'delivered_before' } : { ...event, deliveredTo };
}

async function originOf(db: Database, ref: AttemptRef, begun: BegunAttempt, now: Date): Promise<EventOrigin> {
  const { handlerId, conversationStart } = await loadAnalyticsOrigin(db, ref);
  const common = { registeredAt: now.toISOString(), agentUuid: handlerId };
  if (begun.executionKind === 'tool') {
    const { project, contact } = namespacesOf(begun);
    return {
      ...common,
      project: firstText(project, ['uuid', 'slug', 'name']),
      contactUrn: firstText(contact, ['urn']),
      conversationUuid: null,
      conversationStartDate: null,
      conversationEndDate: null,
    };
  }
  const { business, contactUrn, conversationId } = partyOf(begun);
  return {
    ...common,
    project: business.slug,
    contactUrn,
    conversationUuid: conversationId,
    conversationStartDate: conversationStart,
    conversationEndDate: begun.event.occurredAt.toISOString(),
  };
}
