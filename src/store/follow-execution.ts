import type { Call, Execution } from '../contract/execution.ts';
import type { LogPosition } from '../domain/log-position.ts';
import { isFinal } from '../domain/status.ts';
import type { Database } from './database.ts';
import { callsOf } from './execution-calls.ts';
import { executionHead } from './executions.ts';
import { newOutput } from './new-output.ts';

export type ExecutionNews =
  | { readonly event: 'status'; readonly data: Execution }
  | {
      readonly event: 'output';
      readonly data: { readonly attempt: number; readonly stream: 'stdout' | 'stderr'; readonly text: string };
    }
  | { readonly event: 'call'; readonly data: Call };

export interface Followed {
  readonly execution: Execution;
  /** In the order in which they are told, each with how far one has followed after it. */
  readonly news: readonly (ExecutionNews & { readonly position: LogPosition })[];
}

/** What has happened since `position`. An end is no news of its own: `execution` tells. Throws `execution_not_found`. */
export async function followExecution(
  db: Database,
  organizationId: string,
  id: string,
  position: LogPosition,
): Promise<Followed> {
  // Its row first: the logs of what has ended by then are whole.
  const { execution, row } = await executionHead(db, organizationId, id);
  const news: Followed['news'][number][] = [];
  let at = position;
  const tell = (one: ExecutionNews, change: Partial<LogPosition>) => {
    at = { ...at, ...change };
    news.push({ ...one, position: at });
  };

  async function tellOutput(): Promise<void> {
    const { attempt } = at;
    if (attempt === 0) return;
    for (const { stream, text, bytes } of await newOutput(db, organizationId, id, at)) {
      tell({ event: 'output', data: { attempt, stream, text } }, { [stream]: bytes });
    }
  }

  await tellOutput();
  const changed = execution.status !== at.status || execution.attempts !== at.attempt;
  while (at.attempt < execution.attempts - 1) {
    at = { ...at, attempt: at.attempt + 1, stdout: 0, stderr: 0 };
    await tellOutput();
  }
  if (changed) {
    const begun = execution.attempts === at.attempt ? {} : { attempt: execution.attempts, stdout: 0, stderr: 0 };
    if (isFinal(execution.status)) at = { ...at, ...begun };
    else tell({ event: 'status', data: execution }, { ...begun, status: execution.status });
    if (execution.attempts > position.attempt) await tellOutput();
  }
  const states = await db
    .selectFrom('calls')
    .select(['id', 'state'])
    .where('organization_id', '=', organizationId)
    .where('execution_id', '=', id)
    .orderBy('id')
    .execute();
  if (states.some(({ state }, index) => at.calls[index] !== (state !== 'intent'))) {
    const calls = new Map((await callsOf(db, organizationId, row)).map((call) => [call.id, call]));
    for (const [index, { id: callId }] of states.entries()) {
      const call = calls.get(callId);
      const answered = call?.state !== 'intent';
      if (call === undefined || at.calls[index] === answered) continue;
      tell({ event: 'call', data: call }, { calls: at.calls.toSpliced(index, 1, answered) });
    }
  }
  return { execution, news };
}
