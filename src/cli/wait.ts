import type { ApiClient } from './api-client.ts';
import type { Execution, ExecutionDetail } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { isFinal } from '../domain/status.ts';
import type { Output } from './output.ts';
import { patiently, pause } from './patience.ts';

const firstPollMs = 100;
const slowestPollMs = 1_000;
const detailsAtOnce = 8;

export interface Waiting {
  /** Of Date.now(). */
  readonly untilMs: number;
  readonly signal: AbortSignal;
  readonly output: Output;
}

/** The event's executions, by handler, when all are final, or as they stand when the time is up. */
export async function waitForExecutions(api: ApiClient, eventId: string, waiting: Waiting): Promise<Execution[]> {
  const onAway = () => {
    waiting.output.note('The server is away; waiting for it.');
  };
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 1.5, slowestPollMs)) {
    const executions = await patiently(() => api.eventExecutions(eventId), { ...waiting, onAway });
    executions.sort((one, other) => (one.handlerName < other.handlerName ? -1 : 1));
    const left = waiting.untilMs - Date.now();
    if (executions.every(({ status }) => isFinal(status)) || left <= 0) return executions;
    await pause(Math.min(pollMs, left), waiting.signal);
  }
}

/** The execution when it is final, or as it stands when the time is up. */
export async function waitForExecution(
  api: ApiClient,
  started: ExecutionDetail,
  waiting: Waiting,
): Promise<ExecutionDetail> {
  const onAway = () => {
    waiting.output.note('The server is away; waiting for it.');
  };
  for (let execution = started; ;) {
    const left = waiting.untilMs - Date.now();
    if (isFinal(execution.status) || left <= 0) return execution;
    await pause(Math.min(slowestPollMs, left), waiting.signal);
    execution = await patiently(() => api.execution(started.id), { ...waiting, onAway });
  }
}

/** Throws `wait_timed_out` or `handler_failed`. */
export function requireSuccess({ id, status, reason }: Execution, timeoutSeconds: number): void {
  if (!isFinal(status)) {
    throw new AfterwordError('wait_timed_out', `After ${timeoutSeconds} s execution ${id} had not ended: ${status}.`);
  }
  if (status !== 'succeeded') {
    throw new AfterwordError('handler_failed', `The handler did not succeed: ${reason ?? status}.`);
  }
}

/** In the given order, a few at a time. */
export async function fetchDetails(api: ApiClient, executions: readonly Execution[]): Promise<ExecutionDetail[]> {
  const details: ExecutionDetail[] = [];
  for (let start = 0; start < executions.length; start += detailsAtOnce) {
    const group = executions.slice(start, start + detailsAtOnce);
    details.push(...(await Promise.all(group.map(({ id }) => api.execution(id)))));
  }
  return details;
}
