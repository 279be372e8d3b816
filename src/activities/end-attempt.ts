import { ApplicationFailure, cancellationDetails, CancelledFailure } from '@temporalio/activity';
import type { RunHandlerResult } from '../contract/workflow.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { mayRetry, retryPauseMs, type FailureReason, type FinalStatus } from '../domain/status.ts';
import type { Database } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { finishAttempt, type AttemptEnd } from '../store/execution-ledger/finish-attempt.ts';
import { writeLogs } from '../store/execution-ledger/write-logs.ts';
import type { NewAnalyticsEvents } from '../store/execution-ledger/register-events.ts';
import { handlerFailed } from './handler-failed.ts';
import { prepareAnalytics, type AnalyticsOptions } from './prepare-analytics.ts';
import { toldToHandler } from './to-application-failure.ts';
import type { CageRun, HandlerResult } from './run-in-cage.ts';
import { superseded } from './write-intent.ts';

/** Which attempt ends, and who is told of it when it is recorded. */
export interface Ending {
  readonly db: Database;
  readonly ref: AttemptRef;
  readonly ended: (end: EndOfAttempt) => void;
}

export type EndOfAttempt = Omit<AttemptEnd, 'reached'>;

/** Records how the attempt ended, then tells Temporal: by returning, or by a failure that says whether to try again. */
export async function endAttempt(
  to: Ending,
  begun: BegunAttempt,
  run: CageRun,
  options: AnalyticsOptions,
): Promise<RunHandlerResult> {
  if (run.kind === 'broke') return platformFailed(to, begun, run);
  const { result } = run;
  const analytics = await prepareAnalytics(to.db, options, to.ref, begun, result);
  switch (result.outcome) {
    case 'succeeded':
      await finish(to, run, {
        outcome: 'succeeded',
        reason: null,
        error: null,
        resultJson: JSON.stringify(result.result),
        runMs: result.runMs,
        final: 'succeeded',
        analytics,
      });
      return succeeded(analytics?.events.some(({ state }) => state === 'accepted') ?? false);
    case 'aborted':
      return aborted(to, begun, run, result.runMs);
    case 'failed':
    case 'timed_out':
      return userFailed(to, begun, run, result, analytics);
  }
}

/** `deliver`: it registered analytics events that have to go out. */
export function succeeded(deliver: boolean): RunHandlerResult {
  return { outcome: 'settled', status: 'succeeded', reason: null, ...(deliver ? { deliver } : {}) };
}

async function userFailed(
  to: Ending,
  begun: BegunAttempt,
  run: CageRun,
  result: Extract<HandlerResult, { outcome: 'failed' | 'timed_out' }>,
  analytics: NewAnalyticsEvents | undefined,
): Promise<never> {
  const reason = result.outcome === 'failed' ? result.reason : null;
  const again = mayRetry(reason, begun.userFailures + 1, begun.program.settings.attempts);
  const status: FinalStatus = result.outcome;
  await finish(to, run, {
    outcome: result.outcome,
    reason,
    error: result.error,
    resultJson: null,
    runMs: result.runMs,
    final: again ? null : status,
    analytics,
  });
  throw handlerFailed({ status, reason }, again ? { afterMs: pauseAfter(begun) } : null);
}

/** The policy's pauses grow with every turn: where some went back into the queue they would be too long. */
function pauseAfter({ turn, attempt, userFailures }: BegunAttempt): number | undefined {
  return turn > attempt ? retryPauseMs(userFailures + 1) : undefined;
}

/** The cage was told to stop: by a cancellation, or because this worker goes away or has lost the attempt. */
async function aborted(to: Ending, begun: BegunAttempt, run: CageRun, runMs: number): Promise<never> {
  if (cancellationDetails()?.cancelRequested !== true) {
    const cause = new AfterwordError('worker_lost', 'The worker stopped while the handler ran; another takes it up.');
    return platformFailed(to, begun, { ...run, kind: 'broke', cause, runMs });
  }
  await finish(to, run, {
    outcome: 'cancelled',
    reason: null,
    error: null,
    resultJson: null,
    runMs,
    final: 'cancelled',
  });
  throw new CancelledFailure('The run was cancelled.');
}

/** Ours: tried again and not counted against the handler, until it has happened too often in a row. */
async function platformFailed(
  to: Ending,
  begun: BegunAttempt,
  run: Extract<CageRun, { kind: 'broke' }>,
): Promise<never> {
  if (run.cause instanceof AfterwordError && run.cause.code === 'attempt_superseded') {
    await writeLogs(to.db, to.ref, run.logs);
    throw run.cause;
  }
  const message = toldToHandler(run.cause);
  const lastOne = begun.lostInARow + 1 >= limits.maxLostAttempts;
  const reason = reasonOf(run.cause);
  await finish(to, run, {
    outcome: 'lost',
    reason: lastOne ? reason : null,
    error: { type: 'Afterword', message, traceback: '' },
    resultJson: null,
    runMs: run.runMs,
    final: lastOne ? 'failed' : null,
  });
  if (lastOne) throw handlerFailed({ status: 'failed', reason }, null);
  const cause = run.cause instanceof Error ? { cause: run.cause } : {};
  throw ApplicationFailure.create({ type: 'sandbox_failed', message, nonRetryable: false, ...cause });
}

const ofSecrets: ReadonlySet<string> = new Set(['secrets_key_missing', 'secrets_key_wrong', 'sealed_text_damaged']);

/** Another worker may have the key, so it is tried as often as after the loss of one. */
function reasonOf(cause: unknown): FailureReason {
  return cause instanceof AfterwordError && ofSecrets.has(cause.code) ? 'secrets_unavailable' : 'worker_lost';
}

/** Five workers in a row died under it: the execution ends as lost without another try. */
export async function endAsLost(to: Ending): Promise<never> {
  const message = `${String(limits.maxLostAttempts)} attempts in a row were lost with their workers; see the worker logs.`;
  await finish(
    to,
    { reached: [], logs: [] },
    {
      outcome: 'lost',
      reason: 'worker_lost',
      error: { type: 'Afterword', message, traceback: '' },
      resultJson: null,
      runMs: 0,
      final: 'failed',
    },
  );
  throw handlerFailed({ status: 'failed', reason: 'worker_lost' }, null);
}

async function finish(to: Ending, run: Pick<CageRun, 'reached' | 'logs'>, end: EndOfAttempt): Promise<void> {
  if (!(await finishAttempt(to.db, to.ref, { ...end, reached: run.reached }, run.logs))) throw superseded();
  to.ended(end);
}
