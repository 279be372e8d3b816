import { type RawBuilder, sql } from 'kysely';
import type { News } from '../contract/workflow.ts';
import type { Database } from './database.ts';

/** Columns or values. */
interface EventExpressions {
  readonly organizationId: RawBuilder<unknown>;
  readonly conversationId: RawBuilder<unknown>;
  readonly type: RawBuilder<unknown>;
}

/**
 * An expression: ids of the earlier events of which a delayed handler waits that such an event cancels, or null. Of one
 * table and one index, since it is read with each event that is accepted.
 */
export function waitingFor({ organizationId, conversationId, type }: EventExpressions): RawBuilder<string[] | null> {
  return sql<string[] | null>`(
    select array_agg(distinct waiting.event_id)
    from executions waiting
    where waiting.organization_id = ${organizationId} and waiting.conversation_id = ${conversationId}
      and waiting.status = 'waiting' and waiting.runs_at is not null and waiting.cancel_on is not null
      and ${type} = any(waiting.cancel_on)
  )`;
}

/** Whom to tell of an event; nothing where nobody waits for it. */
export async function newsOf(
  db: Database,
  event: { readonly organization_id: string; readonly id: string; readonly type: string; readonly occurred_at: Date },
  waitingEvents: readonly string[] | null,
): Promise<{ readonly news?: News }> {
  if (waitingEvents === null) return {};
  const rows = await db
    .selectFrom('conversation_events')
    .select('workflow_id')
    .where('organization_id', '=', event.organization_id)
    .where('id', 'in', waitingEvents)
    .execute();
  const change = { eventId: event.id, type: event.type, occurredAt: event.occurred_at.toISOString() };
  return { news: { change, workflowIds: rows.map((row) => row.workflow_id) } };
}
