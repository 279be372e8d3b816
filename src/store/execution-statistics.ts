import { sql } from 'kysely';
import {
  type ExecutionCounts,
  type ExecutionStatistics,
  intervals,
  type StatisticsQuery,
} from '../contract/execution-statistics.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { type ExecutionStatus, executionStatuses } from '../domain/status.ts';
import type { Database } from './database.ts';
import { matchingExecutions } from './matching-executions.ts';

type Row = Readonly<Record<ExecutionStatus, number>> & {
  readonly start: Date;
  /** Null: of all handlers. */
  readonly handler_id: string | null;
  readonly handler_name: string | null;
  readonly queue_ms: readonly number[] | null;
  readonly run_ms: readonly number[] | null;
};

const spread = sql`percentile_cont(array[0.5, 0.95])`;
const countsByStatus = sql.join(
  executionStatuses.map(
    (status) => sql`count(*) filter (where execution.status = ${sql.lit(status)})::integer as ${sql.id(status)}`,
  ),
);

/**
 * By the time they were queued, test runs left out; buckets without any are there too. Exact: each execution of the range is
 * read. Throws `invalid_request` for a range with more buckets than `limits.statisticsBuckets`.
 */
export async function executionStatistics(
  db: Database,
  organizationId: string,
  { from, to, interval, handler, eventType }: StatisticsQuery,
): Promise<ExecutionStatistics> {
  const starts = bucketsOf(new Date(from), new Date(to), intervals[interval]);
  const matching = await matchingExecutions(db, organizationId, { from, to, handler, eventType });
  const rows = matching === null ? [] : await counted(db, matching.where, intervals[interval]);
  const byStart = Map.groupBy(rows, ({ start }) => start.getTime());
  const items = starts.map((start) => {
    const own = byStart.get(start) ?? [];
    const all = own.find((row) => row.handler_id === null);
    const handlers = own.flatMap((row) =>
      row.handler_id === null
        ? []
        : [{ handlerId: row.handler_id, handlerName: row.handler_name ?? '', ...countsOf(row) }],
    );
    return { start: new Date(start).toISOString(), ...countsOf(all), handlers };
  });
  return { interval, items };
}

async function counted(db: Database, where: ReturnType<typeof sql<boolean>>, intervalMs: number): Promise<Row[]> {
  const { rows } = await sql<Row>`
    select counts.*, handlers.name as handler_name
    from (
      select date_bin(make_interval(secs => ${intervalMs / 1_000}::integer), execution.queued_at, '2000-01-01Z'::timestamptz) as start,
             execution.handler_id, ${countsByStatus},
             ${spread} within group (order by execution.queue_ms) filter (where execution.started_at is not null) as queue_ms,
             ${spread} within group (order by execution.run_ms)
               filter (where execution.started_at is not null and execution.finished_at is not null) as run_ms
      from executions execution where ${where}
      group by grouping sets ((1), (1, 2))
    ) counts left join handlers on handlers.id = counts.handler_id
    order by handlers.name, counts.handler_id`.execute(db);
  return rows;
}

function countsOf(row: Row | undefined): ExecutionCounts {
  const byStatus = Object.fromEntries(executionStatuses.map((status) => [status, row?.[status] ?? 0]));
  const total = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
  return { total, byStatus, queueMs: spreadOf(row?.queue_ms), runMs: spreadOf(row?.run_ms) };
}

function spreadOf(values: readonly number[] | null | undefined): ExecutionCounts['runMs'] {
  const [median, p95] = values ?? [];
  return median === undefined || p95 === undefined ? null : { median, p95 };
}

/** The beginnings of all buckets of the range, milliseconds. */
function bucketsOf(from: Date, to: Date, intervalMs: number): number[] {
  const first = Math.floor(from.getTime() / intervalMs) * intervalMs;
  const count = Math.ceil((to.getTime() - first) / intervalMs);
  if (count > limits.statisticsBuckets) {
    const message = `makes ${String(count)} buckets of the range; at most ${String(limits.statisticsBuckets)} are answered`;
    throw new AfterwordError('invalid_request', `In the query: interval: ${message}.`, {
      fields: [{ field: 'interval', message }],
    });
  }
  return Array.from({ length: Math.max(count, 0) }, (_, index) => first + index * intervalMs);
}
