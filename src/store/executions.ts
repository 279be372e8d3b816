import { sql } from 'kysely';
import type { Execution, ExecutionDetail } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ExecutionKind, ExecutionStatus } from '../domain/status.ts';
import { analyticsEventsOf } from './analytics-event-rows.ts';
import type { Database } from './database.ts';
import { callsOf } from './execution-calls.ts';
import { lineageOf } from './execution-lineage.ts';
import { toAttempt, toExecution } from './execution-rows.ts';
import { logChunks, logsOf } from './logs.ts';
import { isUuid } from './uuid-text.ts';

export { readLogs } from './logs.ts';

export interface ExecutionFilter {
  readonly limit: number;
  /** The last id of the page before. */
  readonly before?: string | undefined;
  readonly status?: ExecutionStatus | undefined;
  /** Left out: all but test runs. */
  readonly kind?: ExecutionKind | undefined;
  /** Name or id. */
  readonly handler?: string | undefined;
  /** Our id of the conversation event. */
  readonly eventId?: string | undefined;
  /** Id or public id. */
  readonly conversation?: string | undefined;
  /** True: only those that ended badly, timeouts included; false: only the others. */
  readonly failed?: boolean | undefined;
}

/** Newest first; ids are in order of time. A filter that names nothing known answers nothing. */
export async function listExecutions(
  db: Database,
  organizationId: string,
  filter: ExecutionFilter,
): Promise<Execution[]> {
  const { before, status, kind, handler, eventId, conversation, failed } = filter;
  if ((before !== undefined && !isUuid(before)) || (eventId !== undefined && !isUuid(eventId))) return [];
  // Written out, not handed over as a value: only so the planner sees that an index of the one or the other sort holds.
  let query = executionsOf(db, organizationId).where(
    kind === 'test' ? sql<boolean>`execution.kind = 'test'` : sql<boolean>`execution.kind <> 'test'`,
  );
  if (kind !== undefined && kind !== 'test') query = query.where('execution.kind', '=', kind);
  if (before !== undefined) query = query.where('execution.id', '<', before);
  if (eventId !== undefined) query = query.where('execution.event_id', '=', eventId);
  if (status !== undefined) query = query.where('execution.status', '=', status);
  if (failed !== undefined) {
    query = query.where('execution.status', failed ? 'in' : 'not in', ['failed', 'timed_out']);
  }
  if (handler !== undefined) {
    // One value, found first: 200,000 executions of which none is this handler's take 4 ms so, by a join 250 ms.
    query = query.where('execution.handler_id', '=', (select) =>
      select
        .selectFrom('handlers')
        .select('handlers.id')
        .where('handlers.organization_id', '=', organizationId)
        .where((where) =>
          isUuid(handler)
            ? where.or([where('handlers.name', '=', handler), where('handlers.id', '=', handler)])
            : where('handlers.name', '=', handler),
        )
        .limit(1),
    );
  }
  if (conversation !== undefined) {
    query = query.where((where) =>
      where.or([
        where('conversation.public_id', '=', conversation),
        ...(isUuid(conversation) ? [where('conversation.id', '=', conversation)] : []),
      ]),
    );
  }
  const rows = await query.orderBy('execution.id', 'desc').limit(filter.limit).execute();
  return rows.map(toExecution);
}

/** With attempts, logs, calls and analytics events. Throws `execution_not_found`. */
export async function getExecution(db: Database, organizationId: string, id: string): Promise<ExecutionDetail> {
  const row = isUuid(id)
    ? await executionsOf(db, organizationId).where('execution.id', '=', id).executeTakeFirst()
    : undefined;
  if (row === undefined) throw new AfterwordError('execution_not_found', `There is no execution "${id}".`);
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

function executionsOf(db: Database, organizationId: string) {
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
