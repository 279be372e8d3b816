import { sql } from 'kysely';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import type { News, PinnedExecution } from '../contract/workflow.ts';
import { AfterwordError } from '../domain/errors.ts';
import { eventIdOf } from '../domain/event-key.ts';
import type { ConversationRow } from './conversation-rows.ts';
import type { Database } from './database.ts';
import { toPinnedExecution } from './pinned-execution.ts';

export interface AcceptedEvent {
  readonly id: string;
  readonly eventId: string;
  readonly workflowId: string;
  readonly duplicate: boolean;
  readonly type: string;
  readonly conversationId: string;
  /** Run id of the workflow that took the event up. */
  readonly claimedBy: string | null;
  /** In the order of the handlers' names. */
  readonly executions: PinnedExecution[];
  /** Whom to tell of it; nobody of a duplicate. */
  readonly news?: News;
}

export interface AcceptOptions {
  /** Run id of the workflow that takes the event up by this; left alone where another run did before. */
  readonly claimFor?: string | undefined;
  /** Id of the workflow that has the event; the one made from the event where left out. */
  readonly workflowId?: string | undefined;
}

/** The event that was accepted under this id before; claims it where `claimFor` asks for that and nobody has. */
export async function findKnownEvent(
  db: Database,
  conversation: ConversationRow,
  input: ConversationEventInput,
  options: AcceptOptions,
): Promise<AcceptedEvent | undefined> {
  const organizationId = conversation.organization_id;
  const eventId = eventIdOf(input, conversation.id);
  const row = await db
    .selectFrom('conversation_events')
    .select(['id', 'workflow_id', 'type', 'conversation_id', 'claimed_by'])
    .where('organization_id', '=', organizationId)
    .where('source', '=', input.source)
    .where('event_id', '=', eventId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.type !== input.type || row.conversation_id !== conversation.id) {
    throw new AfterwordError(
      'event_id_reused',
      `The event id "${eventId}" was used for ${row.type} of conversation ${row.conversation_id}; now it comes for ` +
        `${input.type} of conversation ${conversation.id}.`,
    );
  }
  const claimedBy =
    options.claimFor === undefined
      ? row.claimed_by
      : await claimKnownEvent(db, organizationId, row.id, options.claimFor);
  const executions = await db
    .selectFrom('executions')
    .innerJoin('handlers', 'handlers.id', 'executions.handler_id')
    .select([
      'executions.id as executionId',
      'handlers.name as handlerName',
      'executions.runs_at as runsAt',
      'executions.cancel_on as cancelOn',
    ])
    .where('executions.organization_id', '=', organizationId)
    .where('executions.event_id', '=', row.id)
    // Runs made again later are not the event's own.
    .where('executions.rerun_of', 'is', null)
    .orderBy('executions.ordinal')
    .execute();
  return {
    id: row.id,
    eventId,
    workflowId: row.workflow_id,
    duplicate: true,
    type: row.type,
    conversationId: row.conversation_id,
    claimedBy,
    executions: executions.map(toPinnedExecution),
  };
}

/** Answers who has the event after this: the run itself or the one that came before it. */
export async function claimKnownEvent(
  db: Database,
  organizationId: string,
  id: string,
  runId: string,
): Promise<string> {
  const row = await db
    .updateTable('conversation_events')
    .set({
      claimed_by: sql<string>`coalesce(claimed_by, ${runId})`,
      claimed_at: sql<Date>`coalesce(claimed_at, now())`,
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .returning('claimed_by')
    .executeTakeFirstOrThrow();
  return row.claimed_by ?? runId;
}
