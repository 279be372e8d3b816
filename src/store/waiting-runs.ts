import { sql } from 'kysely';
import type { ExecutionKind } from '../domain/status.ts';
import type { Database } from './database.ts';
import type { CreatedDirectRun } from './direct-runs.ts';

export interface WaitingRun extends CreatedDirectRun {
  /** `event`: a re-run of an event's execution. */
  readonly kind: ExecutionKind;
}

/**
 * Executions without an event of their own that no worker has taken up by `now`, those that wait longest first. The
 * relay's: it works for all organisations at once.
 */
export async function waitingRuns(db: Database, now: Date, limit: number): Promise<WaitingRun[]> {
  return await db
    .selectFrom('executions as execution')
    .leftJoin('conversation_events as event', 'event.id', 'execution.event_id')
    .leftJoin('direct_runs as direct', 'direct.execution_id', 'execution.id')
    .leftJoin('handlers as handler', 'handler.id', 'execution.handler_id')
    .select([
      'execution.id as executionId',
      'execution.kind',
      'execution.organization_id as organizationId',
      'execution.conversation_id as conversationId',
      sql<string>`coalesce(execution.workflow_id, direct.workflow_id)`.as('workflowId'),
      sql<string>`coalesce(direct.handler_name, handler.name)`.as('handlerName'),
      sql<string>`coalesce(event.type, direct.event_type)`.as('eventType'),
    ])
    .where('execution.relay_at', '<=', now)
    .orderBy('execution.relay_at')
    .limit(limit)
    .execute();
}

/** The relay looks at the run again at `until`, unless a worker has taken it up by then. */
export async function postponeRun(db: Database, executionId: string, until: Date): Promise<void> {
  await db
    .updateTable('executions')
    .set({ relay_at: until })
    .where('id', '=', executionId)
    .where('relay_at', 'is not', null)
    .execute();
}

/** Cancels a run that no worker has taken up; false where one has meanwhile. */
export async function cancelUnstarted(db: Database, organizationId: string, executionId: string): Promise<boolean> {
  const row = await db
    .updateTable('executions')
    .set({ status: 'cancelled', finished_at: new Date(), relay_at: null })
    .where('organization_id', '=', organizationId)
    .where('id', '=', executionId)
    .where('attempt', '=', 0)
    .where('finished_at', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return row !== undefined;
}
