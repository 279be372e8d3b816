import { sql } from 'kysely';
import type { Execution } from '../contract/execution.ts';
import type { ExecutionFilter } from '../contract/execution-filter.ts';
import type { ExecutionStatus } from '../domain/status.ts';
import type { Database } from './database.ts';
import { toExecution } from './execution-rows.ts';
import { executionsOf } from './executions.ts';
import { firstIdOf, matchingExecutions } from './matching-executions.ts';

/** Clocks differ, and what is written is seen some time after its own time: so much is looked at again. */
const overlapMs = 10_000;
/** Of each sort, at one look; more changes than these are not all told. */
const mostChanges = 500;
const mostRemembered = 5_000;

export interface Changes {
  readonly executions: readonly Execution[];
  /** Where another tail would go on. */
  readonly at: Date;
}

export interface ExecutionTail {
  /** Those that match and have changed since the last look, oldest first. */
  changed(): Promise<Changes>;
}

interface Seen {
  readonly id: string;
  readonly status: ExecutionStatus;
  readonly attempt: number;
}

/** Begins with those that run and what came or ended since `since`. */
export function createExecutionTail(
  db: Database,
  organizationId: string,
  filter: ExecutionFilter,
  since: Date,
): ExecutionTail {
  const seen = new Map<string, string>();
  let from = since;

  async function changedIds(): Promise<Seen[]> {
    // Anew each time: a handler or conversation that is named may come to be.
    const matching = await matchingExecutions(db, organizationId, filter);
    if (matching === null) return [];
    const { where, statuses } = matching;
    const again = new Date(from.getTime() - overlapMs);
    const among = statuses === undefined ? sql`` : sql` and execution.status in (${sql.join([...statuses])})`;
    const some = sql`(select execution.id, execution.status, execution.attempt from executions execution where ${where}${among}`;
    const { rows } = await sql<Seen>`
      ${some} and execution.id >= ${firstIdOf(again)}::uuid order by execution.id desc limit ${mostChanges})
      union
      ${some} and execution.status = 'running' order by execution.id desc limit ${mostChanges})
      union
      ${some} and execution.finished_at >= ${again} order by execution.finished_at desc limit ${mostChanges})`.execute(
      db,
    );
    return rows;
  }

  return {
    async changed() {
      const at = new Date();
      const found = await changedIds();
      const fresh = found.filter(({ id, status, attempt }) => seen.get(id) !== `${status}/${String(attempt)}`);
      for (const { id, status, attempt } of fresh) {
        seen.delete(id);
        seen.set(id, `${status}/${String(attempt)}`);
      }
      for (const id of [...seen.keys()].slice(0, Math.max(seen.size - mostRemembered, 0))) seen.delete(id);
      from = at;
      if (fresh.length === 0) return { executions: [], at };
      const rows = await executionsOf(db, organizationId)
        .where(
          'execution.id',
          'in',
          fresh.map(({ id }) => id),
        )
        .orderBy('execution.id')
        .execute();
      return { executions: rows.map(toExecution), at };
    },
  };
}
