import { sql } from 'kysely';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventIdOf } from '../domain/event-key.ts';
import type { Database } from './database.ts';

export interface DuplicateEvent {
  readonly id: string;
  readonly eventId: string;
  readonly workflowId: string;
  readonly type: string;
  /** How many handlers it has. */
  readonly handlers: number;
}

/**
 * The event that came before under the same key, of the same type and conversation. One statement and no lock: a repeat is to cost little.
 * Undefined where accepting has to look more closely, be it to refuse it.
 */
export async function findDuplicate(
  db: Database,
  organizationId: string,
  input: ConversationEventInput,
): Promise<DuplicateEvent | undefined> {
  const named = 'conversation' in input ? input.conversation.id : input.conversationId;
  if (input.id === undefined && (!('conversation' in input) || input.occurredAt === undefined)) return undefined;
  const eventId = eventIdOf(input, named.toLowerCase());
  const { rows } = await sql<DuplicateEvent>`
    select event.id, event.event_id as "eventId", event.workflow_id as "workflowId", event.type,
           (select count(*) from executions
            where executions.event_id = event.id and executions.rerun_of is null) as handlers
    from conversation_events event
    where event.organization_id = ${organizationId} and event.source = ${input.source} and event.event_id = ${eventId}
      and event.type = ${input.type} and event.conversation_id::text = ${named.toLowerCase()}`.execute(db);
  return rows[0];
}
