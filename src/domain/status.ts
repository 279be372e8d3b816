/** What started an execution: a conversation event, somebody who tests a handler, somebody who invokes a tool. */
export const executionKinds = ['event', 'test', 'tool'] as const;
export type ExecutionKind = (typeof executionKinds)[number];
/** Those that no event started. */
export type DirectRunKind = Exclude<ExecutionKind, 'event'>;

/** Where an execution stands. The last four are final. */
export const executionStatuses = ['waiting', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const;
export type ExecutionStatus = (typeof executionStatuses)[number];

export const failureReasons = [
  'raised',
  'syntax_error',
  'no_entry_point',
  'not_json',
  'exited',
  'out_of_memory',
  'limit_exceeded',
  'crashed',
  'refused',
  'secret_missing',
  'secrets_unavailable',
  'worker_lost',
] as const;
export type FailureReason = (typeof failureReasons)[number];

/** How one attempt ended; `lost` is ours (its worker died or the cage broke), the others are the handler's. */
export const attemptOutcomes = ['running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'lost'] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

export type FinalStatus = 'succeeded' | 'failed' | 'timed_out' | 'cancelled';

export function isFinal(status: ExecutionStatus): status is FinalStatus {
  return status !== 'waiting' && status !== 'running';
}

/** What the event's workflow says of its handlers together; a search attribute carries it. */
export type EventStatus = 'running' | 'succeeded' | 'failed' | 'partly' | 'cancelled' | 'no_handlers' | 'duplicate';

export function eventStatusOf(statuses: readonly ExecutionStatus[]): EventStatus {
  if (statuses.length === 0) return 'no_handlers';
  if (statuses.some((status) => !isFinal(status))) return 'running';
  if (statuses.every((status) => status === 'succeeded')) return 'succeeded';
  if (statuses.every((status) => status === 'cancelled')) return 'cancelled';
  return statuses.some((status) => status === 'succeeded') ? 'partly' : 'failed';
}

/** Failures that the same code on the same conversation would only repeat. */
const neverRetried: ReadonlySet<FailureReason> = new Set([
  'syntax_error',
  'no_entry_point',
  'not_json',
  'limit_exceeded',
  'refused',
  'secret_missing',
  'secrets_unavailable',
  'worker_lost',
]);

/** A second, then twice as long each time, at most half a minute. The number of attempts says less: it also counts turns in the queue. */
export function retryPauseMs(userFailures: number): number {
  return Math.min(1_000 * 2 ** (userFailures - 1), 30_000);
}

export function mayRetry(reason: FailureReason | null, userFailures: number, attemptsAllowed: number): boolean {
  if (userFailures >= attemptsAllowed) return false;
  return reason === null || !neverRetried.has(reason);
}
