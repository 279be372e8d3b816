import { sql } from 'kysely';
import type { Execution, ExecutionDetail } from '../contract/execution.ts';
import type { ExecutionFilter } from '../contract/execution-filter.ts';
import { AfterwordError } from '../domain/errors.ts';
import { analyticsEventsOf } from './analytics-event-rows.ts';
import type { Database } from './database.ts';
import { callsOf } from './execution-calls.ts';
import { lineageOf } from './execution-lineage.ts';
import { type ExecutionRow, toAttempt, toExecution } from './execution-rows.ts';
import { logChunks, logsOf } from './logs.ts';
import { countExecutions, matchingExecutions, newestIds } from './matching-executions.ts';
import { isUuid } from './uuid-text.ts';

export { readLogs } from './logs.ts';

export interface ExecutionPage extends ExecutionFilter {
  readonly limit: number;
  /** The last id of the page before. */
  readonly before?: string | undefined;
}

/** Newest first; ids are in order of time. A filter that names nothing known answers nothing. */
export async function listExecutions(
  db: Database,
  organizationId: string,
  { limit, before, ...filter }: ExecutionPage,
): Promise<Execution[]> {
  if (before !== undefined && !isUuid(before)) return [];
  const matching = await matchingExecutions(db, organizationId, filter);
  if (matching === null) return [];
  const rows = await executionsOf(db, organizationId)
    .where(sql<boolean>`execution.id in ${newestIds(matching, { limit, before })}`)
    .orderBy('execution.id', 'desc')
    .execute();
  return rows.map(toExecution);
}

/** How many the list has on all its pages. */
export async function totalOfExecutions(
  db: Database,
  organizationId: string,
  filter: ExecutionFilter,
): Promise<number> {
  const matching = await matchingExecutions(db, organizationId, filter);
  return matching === null ? 0 : await countExecutions(db, matching);
}

/** With attempts, logs, calls and analytics events. Throws `execution_not_found`. */
export async function getExecution(db: Database, organizationId: string, id: string): Promise<ExecutionDetail> {
  const { row } = await executionHead(db, organizationId, id);
  const attempts = await db
    .selectFrom('attempts')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('execution_id', '=', id)
    .orderBy('attempt')
    .execute();
  const chunks = await logChunks(db, organizationId, id);
  return {
    ...toExecution(row),
    ...logsOf(chunks, row.attempt),
    ...(await lineageOf(db, organizationId, row)),
    attemptLog: attempts.map((attempt) => toAttempt(attempt, logsOf(chunks, attempt.attempt))),
    calls: await callsOf(db, organizationId, row),
    analyticsEvents: await analyticsEventsOf(db, organizationId, id),
  };
}

/** Without what it did; `row` is for other statements on it. Throws `execution_not_found`. */
export async function executionHead(
  db: Database,
  organizationId: string,
  id: string,
): Promise<{ execution: Execution; row: ExecutionRow }> {
  const row = isUuid(id)
    ? await executionsOf(db, organizationId).where('execution.id', '=', id).executeTakeFirst()
    : undefined;
  if (row === undefined)
    throw new AfterwordError('execution_not_found', `There is no execution "${id.slice(0, 100)}".`);
  return { execution: toExecution(row), row };
}

/** Ids of an event's own executions that have not ended, without those that were run again later. */
export async function unfinishedExecutions(db: Database, organizationId: string, eventId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('executions')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('event_id', '=', eventId)
    .where('rerun_of', 'is', null)
    .where('finished_at', 'is', null)
    .execute();
  return rows.map(({ id }) => id);
}

/** With all that is shown of an execution in a list. */
export function executionsOf(db: Database, organizationId: string) {
  return (
    db
      .selectFrom('executions as execution')
      .leftJoin('conversation_events as event', 'event.id', 'execution.event_id')
      .leftJoin('direct_runs as direct', 'direct.execution_id', 'execution.id')
      .leftJoin('conversations as conversation', (join) =>
        join
          .onRef('conversation.organization_id', '=', 'execution.organization_id')
          .onRef('conversation.id', '=', 'execution.conversation_id'),
      )
      .leftJoin('handlers as handler', 'handler.id', 'execution.handler_id')
      .leftJoin('handler_versions as version', 'version.id', 'execution.handler_version_id')
      .selectAll('execution')
      .select(['event.claimed_by', 'conversation.public_id', 'version.version as handler_version'])
      // One of the two is always there.
      .select([
        sql<string>`coalesce(event.type, direct.event_type)`.as('event_type'),
        sql<string>`coalesce(execution.workflow_id, event.workflow_id, direct.workflow_id)`.as('workflow_id'),
        sql<string>`coalesce(direct.handler_name, handler.name)`.as('handler_name'),
      ])
      .where('execution.organization_id', '=', organizationId)
  );
}
