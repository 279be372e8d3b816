import { sql } from 'kysely';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventIdOf } from '../domain/event-key.ts';
import type { Database } from './database.ts';
import type { AcceptedEvent } from './known-event.ts';
import type { CurrentHandler } from './new-event.ts';
import { toPinnedExecution } from './pinned-execution.ts';
import { prepared } from './prepared-statements.ts';

export interface EventLook {
  /** It came before, of the same type and conversation, or of one whose name was erased. */
  readonly duplicate?: AcceptedEvent;
  /** Those that are on for its type; none were looked for where its key is known. */
  readonly handlers?: readonly CurrentHandler[];
  /** Whether the conversation that came with it is there already; of one that is only named it says nothing, and is true. */
  readonly conversationKnown: boolean;
}

interface LookRow {
  readonly id: string | null;
  readonly workflowId: string;
  readonly type: string;
  readonly conversationId: string;
  readonly claimedBy: string | null;
  readonly executions: readonly {
    readonly executionId: string;
    readonly handlerName: string;
    readonly runsAt: string | null;
    readonly cancelOn: readonly string[] | null;
  }[];
  readonly handlers: readonly CurrentHandler[] | null;
  readonly ofTheNamed: boolean;
  readonly conversationKnown: boolean;
}

/**
 * What accepting has to know beforehand, by one statement and no lock: most events are of a new conversation, and a repeat is to cost
 * little. Throws `event_id_missing`.
 */
export async function lookAtEvent(
  db: Database,
  organizationId: string,
  input: ConversationEventInput,
): Promise<EventLook> {
  const inline = 'conversation' in input;
  const named = (inline ? input.conversation.id : input.conversationId).toLowerCase();
  // Made of the conversation's id, which a public id does not tell.
  const eventId = inline || input.id !== undefined ? eventIdOf(input, named) : null;
  const { rows } = await sql<LookRow>`
    select event.id, event.workflow_id as "workflowId", event.type, event.conversation_id as "conversationId",
           event.claimed_by as "claimedBy",
           case when event.id is not null then (
             select coalesce(json_agg(json_build_object(
                      'executionId', executions.id, 'handlerName', handlers.name,
                      'runsAt', executions.runs_at, 'cancelOn', executions.cancel_on) order by executions.ordinal), '[]')
             from executions join handlers on handlers.id = executions.handler_id
             where executions.organization_id = ${organizationId} and executions.event_id = event.id
               and executions.rerun_of is null
           ) end as executions,
           case when event.id is null then (
             select coalesce(json_agg(json_build_object(
                      'id', handlers.id, 'name', handlers.name, 'versionId', version.id,
                      'delaySeconds', version.delay_seconds, 'cancelOn', version.cancel_on) order by handlers.name), '[]')
             from handlers join handler_versions version
               on version.handler_id = handlers.id and version.version = handlers.current_version
             where handlers.organization_id = ${organizationId} and handlers.event_type = ${input.type} and handlers.enabled
           ) end as handlers,
           event.conversation_id::text = ${named} or (${!inline} and owner.erased_at is not null) as "ofTheNamed",
           ${inline ? sql`exists (select from conversations where organization_id = ${organizationId} and id = ${named}::uuid)` : sql`true`}
             as "conversationKnown"
    from (values (1)) as asked
    left join conversation_events event
      on event.organization_id = ${organizationId} and event.source = ${input.source} and event.event_id = ${eventId}
    left join conversations owner on owner.organization_id = event.organization_id and owner.id = event.conversation_id
    ${prepared}`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('a look at an event has one row');
  const { conversationKnown } = row;
  if (row.id === null) return { handlers: row.handlers ?? [], conversationKnown };
  // Accepting looks more closely, be it to refuse it.
  if (row.type !== input.type || !row.ofTheNamed || eventId === null) return { conversationKnown };
  const { id, workflowId, type, conversationId, claimedBy } = row;
  const executions = row.executions.map(({ runsAt, ...execution }) =>
    toPinnedExecution({ ...execution, runsAt: runsAt === null ? null : new Date(runsAt) }),
  );
  return {
    duplicate: { id, eventId, workflowId, duplicate: true, type, conversationId, claimedBy, executions },
    conversationKnown,
  };
}
