import { type RawBuilder, sql } from 'kysely';
import type { News } from '../contract/workflow.ts';

/** Columns or values. */
interface EventExpressions {
  readonly organizationId: RawBuilder<unknown>;
  readonly conversationId: RawBuilder<unknown>;
  readonly type: RawBuilder<unknown>;
}

/**
 * An expression: ids of the workflows in which a delayed handler waits that such an event cancels, or null. Read along
 * with what is read anyway.
 */
export function waitingFor({ organizationId, conversationId, type }: EventExpressions): RawBuilder<string[] | null> {
  return sql<string[] | null>`(
    select array_agg(distinct waiting_event.workflow_id)
    from executions waiting join conversation_events waiting_event on waiting_event.id = waiting.event_id
    where waiting.organization_id = ${organizationId} and waiting.conversation_id = ${conversationId}
      and waiting.status = 'waiting' and waiting.runs_at is not null and waiting.cancel_on is not null
      and ${type} = any(waiting.cancel_on)
  )`;
}

/** Nothing where nobody waits for it. */
export function newsOf(
  event: { readonly id: string; readonly type: string; readonly occurredAt: Date },
  workflowIds: readonly string[] | null,
): { readonly news?: News } {
  if (workflowIds === null) return {};
  const { id, type, occurredAt } = event;
  return { news: { change: { eventId: id, type, occurredAt: occurredAt.toISOString() }, workflowIds } };
}
