import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventIdOf, workflowIdOf } from '../domain/event-key.ts';
import { contextJsonOf, type ConversationRow } from './conversation-rows.ts';
import type { Database } from './database.ts';
import type { AcceptedEvent, AcceptOptions } from './known-event.ts';
import { prepared } from './prepared-statements.ts';
import { toPinnedExecution } from './pinned-execution.ts';
import { newsOf, waitingFor } from './waiting-executions.ts';

/** How long the workflow that the API starts may take to claim the event before the relay starts it too. */
const relayAfterMs = 3_000;

export interface CurrentHandler {
  readonly id: string;
  readonly name: string;
  readonly versionId: string;
  readonly delaySeconds: number;
  readonly cancelOn: readonly string[];
}

type Conversation = Parameters<typeof contextJsonOf>[0];

/** The rows of an event and of its executions, not written yet. Throws `event_id_missing`. */
export function newEventOf(
  conversation: Conversation,
  input: ConversationEventInput,
  handlers: readonly CurrentHandler[],
  options: AcceptOptions,
) {
  const organizationId = conversation.organization_id;
  const eventId = eventIdOf(input, conversation.id);
  const receivedAt = new Date();
  const event = {
    id: uuidv7(),
    organization_id: organizationId,
    source: input.source,
    event_id: eventId,
    type: input.type,
    conversation_id: conversation.id,
    actor: input.actor ?? null,
    occurred_at: input.occurredAt === undefined ? receivedAt : new Date(input.occurredAt),
    received_at: receivedAt,
    context: contextJsonOf(conversation),
    message_seq: conversation.message_count,
    workflow_id: options.workflowId ?? workflowIdOf(organizationId, input.source, eventId),
    claimed_by: options.claimFor ?? null,
    claimed_at: options.claimFor === undefined ? null : receivedAt,
    relay_at: new Date(receivedAt.getTime() + relayAfterMs),
  };
  const executions = handlers.map(({ id, name, versionId, delaySeconds, cancelOn }, ordinal) => ({
    id: uuidv7(),
    handlerName: name,
    handler_id: id,
    handler_version_id: versionId,
    ordinal,
    runs_at: delaySeconds === 0 ? null : new Date(receivedAt.getTime() + delaySeconds * 1000),
    cancel_on: cancelOn.length === 0 ? null : cancelOn,
  }));
  return { event, executions };
}

export type NewEvent = ReturnType<typeof newEventOf>;

/** The part of a statement that writes them, unless the event's id is known: then `accepted` has no row. */
export function withNewEvent(db: Database, { event, executions }: NewEvent) {
  return db
    .with('accepted', (query) =>
      query
        .insertInto('conversation_events')
        .values(event)
        .onConflict((conflict) => conflict.columns(['organization_id', 'source', 'event_id']).doNothing())
        .returning('id'),
    )
    .with('pinned', (query) =>
      query
        .insertInto('executions')
        .columns([
          'id',
          'organization_id',
          'event_id',
          'conversation_id',
          'handler_id',
          'handler_version_id',
          'ordinal',
          'event_type',
          'runs_at',
          'cancel_on',
          'queued_at',
        ])
        .expression(
          sql<never>`
            select pinned.id, ${event.organization_id}, accepted.id, ${event.conversation_id}::uuid, pinned.handler_id,
                   pinned.handler_version_id, pinned.ordinal, ${event.type}::text, pinned.runs_at, pinned.cancel_on,
                   ${event.received_at}::timestamptz
            from accepted, json_to_recordset(${JSON.stringify(executions)}::json)
              as pinned (id uuid, handler_id uuid, handler_version_id uuid, ordinal integer, runs_at timestamptz,
                         cancel_on text[])`,
        ),
    );
}

export function acceptedOf({ event, executions }: NewEvent): AcceptedEvent {
  return {
    id: event.id,
    eventId: event.event_id,
    workflowId: event.workflow_id,
    duplicate: false,
    type: event.type,
    conversationId: event.conversation_id,
    claimedBy: event.claimed_by,
    executions: executions.map(({ id, handlerName, runs_at: runsAt, cancel_on: cancelOn }) =>
      toPinnedExecution({ executionId: id, handlerName, runsAt, cancelOn }),
    ),
  };
}

/**
 * Inserts the event and its executions in one statement; undefined, and nothing written, where the event's id is known.
 */
export async function insertEvent(
  db: Database,
  conversation: ConversationRow,
  input: ConversationEventInput,
  handlers: readonly CurrentHandler[],
  options: AcceptOptions,
): Promise<AcceptedEvent | undefined> {
  const planned = newEventOf(conversation, input, handlers, options);
  const expressions = {
    organizationId: sql`${conversation.organization_id}::text`,
    conversationId: sql`${conversation.id}::uuid`,
    type: sql`${input.type}::text`,
  };
  const inserted = await withNewEvent(db, planned)
    .selectFrom('accepted')
    .select(waitingFor(expressions).as('waiting'))
    .modifyEnd(prepared)
    .executeTakeFirst();
  if (inserted === undefined) return undefined;
  return { ...acceptedOf(planned), ...(await newsOf(db, planned.event, inserted.waiting)) };
}
