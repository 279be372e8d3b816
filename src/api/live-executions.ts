import { setTimeout as sleep } from 'node:timers/promises';
import { type LogPosition, writePosition } from '../domain/log-position.ts';
import { isFinal } from '../domain/status.ts';
import type { Database } from '../store/database.ts';
import type { Changes, ExecutionTail } from '../store/execution-tail.ts';
import { followExecution } from '../store/follow-execution.ts';
import type { StreamedEvent } from './event-streams.ts';

/** Workers write output four times a second at most. */
const runningPollMs = 250;
const waitingPollMs = 1_000;
const listPollMs = 1_000;

/** What an execution does from `position` on, then `end` with what `ended` says of it. */
export async function* liveExecution(
  db: Database,
  { organizationId, id }: { readonly organizationId: string; readonly id: string },
  position: LogPosition,
  ended: () => Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  for (let at = position; !signal.aborted;) {
    const { execution, news } = await followExecution(db, organizationId, id, at);
    for (const { event, data, position: after } of news) {
      at = after;
      yield { event, data, id: writePosition(at) };
    }
    const { status, attempts } = execution;
    if (isFinal(status)) {
      const last = attempts === at.attempt ? at : { ...at, attempt: attempts, stdout: 0, stderr: 0 };
      yield { event: 'end', data: await ended(), id: writePosition({ ...last, status }) };
      return;
    }
    await pause(status === 'running' ? runningPollMs : waitingPollMs, signal);
  }
}

/** Each execution when it changes, as the list shows it; `first` is what the tail's first look has found. */
export async function* liveExecutions(
  tail: ExecutionTail,
  first: Changes,
  signal: AbortSignal,
): AsyncGenerator<StreamedEvent> {
  for (let found = first; !signal.aborted; found = await tail.changed()) {
    for (const [index, execution] of found.executions.entries()) {
      const isLast = index === found.executions.length - 1;
      yield { event: 'execution', data: execution, ...(isLast ? { id: String(found.at.getTime()) } : {}) };
    }
    await pause(listPollMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
