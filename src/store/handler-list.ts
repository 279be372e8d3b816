import { sql } from 'kysely';
import { ExecutionStatus } from '../contract/execution.ts';
import type { ListedHandler } from '../contract/handler-list.ts';
import type { Database } from './database.ts';
import { toHandler } from './handler-rows.ts';

/** By name, each with what it did last and whether something of it waits to be deployed. */
export async function listHandlers(db: Database, organizationId: string): Promise<ListedHandler[]> {
  const rows = await db
    .selectFrom('handlers')
    .leftJoin('handler_drafts as draft', (join) =>
      join.onRef('draft.organization_id', '=', 'handlers.organization_id').onRef('draft.name', '=', 'handlers.name'),
    )
    .leftJoinLateral(
      (select) =>
        select
          .selectFrom('executions')
          .select([
            'id as last_id',
            'status as last_status',
            'queued_at as last_queued',
            'finished_at as last_finished',
          ])
          .whereRef('executions.organization_id', '=', 'handlers.organization_id')
          .whereRef('executions.handler_id', '=', 'handlers.id')
          .where(sql<boolean>`executions.kind <> 'test'`)
          .orderBy('executions.id', 'desc')
          .limit(1)
          .as('last'),
      (join) => join.onTrue(),
    )
    .selectAll('handlers')
    .select(['draft.base_version', 'draft.updated_at as draft_updated_at'])
    .select(['last.last_id', 'last.last_status', 'last.last_queued', 'last.last_finished'])
    .where('handlers.organization_id', '=', organizationId)
    .where('handlers.deleted_at', 'is', null)
    .orderBy('handlers.name')
    .execute();
  return rows.map((row) => ({
    ...toHandler(row),
    draft:
      row.draft_updated_at === null
        ? null
        : { baseVersion: row.base_version, updatedAt: row.draft_updated_at.toISOString() },
    lastExecution:
      row.last_id === null || row.last_queued === null
        ? null
        : {
            id: row.last_id,
            status: ExecutionStatus.parse(row.last_status),
            queuedAt: row.last_queued.toISOString(),
            finishedAt: row.last_finished?.toISOString() ?? null,
          },
  }));
}
