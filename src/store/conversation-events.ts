import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { ConversationEvent, ConversationEventInput } from '../contract/conversation-event.ts';
import { ExecutionStatus } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { type EventStatus, eventStatusOf } from '../domain/status.ts';
import type { ConversationRow } from './conversation-rows.ts';
import { writeConversation } from './conversation-writes.ts';
import { findConversationRow } from './conversations.ts';
import type { Database } from './database.ts';
import { insertFirstEvent } from './first-event.ts';
import { type AcceptedEvent, type AcceptOptions, claimKnownEvent, findKnownEvent } from './known-event.ts';
import { type EventLook, lookAtEvent } from './look-at-event.ts';
import { createOrLockConversation } from './new-conversation.ts';
import { insertEvent } from './new-event.ts';
import { refuseNul } from './nul-characters.ts';
import type { ConversationEventsTable } from './tables.ts';
import { inTransaction } from './transaction.ts';
import { isUuid } from './uuid-text.ts';

export { postponeRelay, type UnclaimedEvent, unclaimedEvents } from './unclaimed-events.ts';
export type { AcceptedEvent, AcceptOptions };

/**
 * Accepts an event: with its conversation, its new messages and one waiting execution for every handler that is on for
 * its type, pinned to the handler's current version; all of it or nothing. The same id again writes nothing and
 * answers like the first time, `duplicate: true`.
 *
 * A repeat takes one statement, the first event of a conversation two, others a transaction of few, whatever the conversation's
 * length.
 *
 * Not in a transaction: two events of one new conversation at once fail each other's first statement, and look again.
 *
 * Throws `event_id_missing`, `event_id_reused`, `conversation_not_found` and what saveConversation throws.
 */
export async function acceptEvent(
  db: Database,
  organizationId: string,
  input: ConversationEventInput,
  options: AcceptOptions = {},
): Promise<AcceptedEvent> {
  refuseNul({ id: input.id, source: input.source });
  const look = await lookAtEvent(db, organizationId, input);
  if (look.duplicate !== undefined) return await claimed(db, organizationId, look.duplicate, options);
  if ('conversationId' in input) {
    return await inTransaction(db, async (trx) => {
      const conversation = await findConversationRow(trx, organizationId, input.conversationId, 'kept');
      return await insertOrFind(trx, conversation, input, look, options);
    });
  }
  if (look.handlers !== undefined && !look.conversationKnown) {
    const first = await insertFirstEvent(db, organizationId, input, look.handlers, options);
    if (first !== undefined) return first;
  }
  return await inTransaction(db, async (trx) => {
    const found = await createOrLockConversation(trx, organizationId, input.conversation);
    if ('created' in found) return await insertOrFind(trx, found.created, input, look, options);
    // Asked under the conversation's lock: a repeat of the event at this moment waits and then finds this one.
    const earlier = await findKnownEvent(trx, found.known, input, options);
    if (earlier !== undefined) return earlier;
    return await insertOrFind(trx, await writeConversation(trx, found.known, input.conversation), input, look, options);
  });
}

async function claimed(
  db: Database,
  organizationId: string,
  event: AcceptedEvent,
  { claimFor }: AcceptOptions,
): Promise<AcceptedEvent> {
  if (claimFor === undefined) return event;
  return { ...event, claimedBy: await claimKnownEvent(db, organizationId, event.id, claimFor) };
}

async function insertOrFind(
  db: Database,
  conversation: ConversationRow,
  input: ConversationEventInput,
  { handlers }: EventLook,
  options: AcceptOptions,
): Promise<AcceptedEvent> {
  // The unique key decides between two at once: the later one waits for the earlier one's end.
  const inserted = handlers && (await insertEvent(db, conversation, input, handlers, options));
  const accepted = inserted ?? (await findKnownEvent(db, conversation, input, options));
  if (accepted === undefined) throw new Error(`event "${input.id ?? input.type}" is neither new nor known`);
  return accepted;
}

type EventRow = Pick<
  Selectable<ConversationEventsTable>,
  | 'id'
  | 'event_id'
  | 'source'
  | 'type'
  | 'conversation_id'
  | 'occurred_at'
  | 'received_at'
  | 'actor'
  | 'claimed_by'
  | 'workflow_id'
> & { public_id: string; statuses: string | null };

function eventsOf(db: Database, organizationId: string) {
  return db
    .selectFrom('conversation_events as event')
    .innerJoin('conversations as conversation', (join) =>
      join
        .onRef('conversation.organization_id', '=', 'event.organization_id')
        .onRef('conversation.id', '=', 'event.conversation_id'),
    )
    .select([
      'event.id',
      'event.event_id',
      'event.source',
      'event.type',
      'event.conversation_id',
      'conversation.public_id',
      'event.occurred_at',
      'event.received_at',
      'event.actor',
      'event.claimed_by',
      'event.workflow_id',
    ])
    .select((select) =>
      select
        .selectFrom('executions')
        .select((inner) => inner.fn<string | null>('string_agg', ['executions.status', inner.val(',')]).as('statuses'))
        .whereRef('executions.organization_id', '=', 'event.organization_id')
        .whereRef('executions.event_id', '=', 'event.id')
        .as('statuses'),
    )
    .where('event.organization_id', '=', organizationId);
}

/** By our id, not the publisher's. Throws `event_not_found`. */
export async function getEvent(db: Database, organizationId: string, id: string): Promise<ConversationEvent> {
  const row = isUuid(id) ? await eventsOf(db, organizationId).where('event.id', '=', id).executeTakeFirst() : undefined;
  if (row === undefined) throw new AfterwordError('event_not_found', `There is no conversation event "${id}".`);
  return toConversationEvent(row);
}

/** Newest first; ids are in order of time. `before`: the last id of the page before. */
export async function listEvents(
  db: Database,
  organizationId: string,
  page: { readonly limit: number; readonly before?: string | undefined },
): Promise<ConversationEvent[]> {
  const { before } = page;
  if (before !== undefined && !isUuid(before)) return [];
  const rows = await eventsOf(db, organizationId)
    .$if(before !== undefined, (query) => query.where('event.id', '<', before ?? ''))
    .orderBy('event.id', 'desc')
    .limit(page.limit)
    .execute();
  return rows.map(toConversationEvent);
}

function toConversationEvent(row: EventRow): ConversationEvent {
  return {
    id: row.id,
    eventId: row.event_id,
    source: row.source,
    type: row.type,
    conversationId: row.conversation_id,
    conversationPublicId: row.public_id,
    occurredAt: row.occurred_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    actor: row.actor,
    status: statusOf(row.statuses),
    claimed: row.claimed_by !== null,
    workflowId: row.workflow_id,
    runId: row.claimed_by,
  };
}

const Statuses = z.array(ExecutionStatus);

/** `statuses`: the executions' statuses with commas between; null without executions. */
function statusOf(statuses: string | null): EventStatus {
  return eventStatusOf(statuses === null ? [] : Statuses.parse(statuses.split(',')));
}
