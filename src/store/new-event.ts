import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventIdOf, workflowIdOf } from '../domain/event-key.ts';
import { contextJsonOf, type ConversationRow } from './conversation-rows.ts';
import type { Database } from './database.ts';
import type { AcceptedEvent, AcceptOptions } from './known-event.ts';
import { toPinnedExecution } from './pinned-execution.ts';
import { newsOf, waitingFor } from './waiting-executions.ts';

/** How long the workflow that the API starts may take to claim the event before the relay starts it too. */
const relayAfterMs = 3_000;

/**
 * Inserts the event and its executions in one statement; undefined, and nothing written, where the event's id is known.
 */
export async function insertEvent(
  db: Database,
  conversation: ConversationRow,
  input: ConversationEventInput,
  options: AcceptOptions,
): Promise<AcceptedEvent | undefined> {
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
  const pinned = (await currentHandlers(db, organizationId, input.type)).map((handler, ordinal) => ({
    id: uuidv7(),
    handlerName: handler.name,
    handler_id: handler.id,
    handler_version_id: handler.version_id,
    ordinal,
    runs_at: handler.delay_seconds === 0 ? null : new Date(receivedAt.getTime() + handler.delay_seconds * 1000),
    cancel_on: handler.cancel_on.length === 0 ? null : handler.cancel_on,
  }));
  const expressions = {
    organizationId: sql`${organizationId}::text`,
    conversationId: sql`${conversation.id}::uuid`,
    type: sql`${input.type}::text`,
  };
  const inserted = await db
    .with('accepted', (query) =>
      query
        .insertInto('conversation_events')
        .values(event)
        .onConflict((conflict) => conflict.columns(['organization_id', 'source', 'event_id']).doNothing())
        .returning('id'),
    )
    .with('created', (query) =>
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
            select pinned.id, ${organizationId}, accepted.id, ${conversation.id}::uuid, pinned.handler_id,
                   pinned.handler_version_id, pinned.ordinal, ${input.type}::text, pinned.runs_at, pinned.cancel_on, ${receivedAt}::timestamptz
            from accepted, json_to_recordset(${JSON.stringify(pinned)}::json)
              as pinned (id uuid, handler_id uuid, handler_version_id uuid, ordinal integer, runs_at timestamptz,
                         cancel_on text[])`,
        )
        .returning('id'),
    )
    .selectFrom('accepted')
    .select(['id', waitingFor(expressions).as('waiting')])
    .executeTakeFirst();
  if (inserted === undefined) return undefined;
  return {
    id: event.id,
    eventId,
    workflowId: event.workflow_id,
    duplicate: false,
    type: event.type,
    conversationId: conversation.id,
    claimedBy: event.claimed_by,
    executions: pinned.map(({ id, handlerName, runs_at: runsAt, cancel_on: cancelOn }) =>
      toPinnedExecution({ executionId: id, handlerName, runsAt, cancelOn }),
    ),
    ...(await newsOf(db, event, inserted.waiting)),
  };
}

async function currentHandlers(db: Database, organizationId: string, eventType: string) {
  return await db
    .selectFrom('handlers')
    .innerJoin('handler_versions', (join) =>
      join
        .onRef('handler_versions.handler_id', '=', 'handlers.id')
        .onRef('handler_versions.version', '=', 'handlers.current_version'),
    )
    .select(['handlers.id', 'handlers.name', 'handler_versions.id as version_id', 'delay_seconds', 'cancel_on'])
    .where('handlers.organization_id', '=', organizationId)
    .where('handlers.event_type', '=', eventType)
    .where('handlers.enabled', '=', true)
    .orderBy('handlers.name')
    .execute();
}
