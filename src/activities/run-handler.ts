import { activityInfo, Context } from '@temporalio/activity';
import type { RunHandlerInput, RunHandlerResult } from '../contract/workflow.ts';
import { limits } from '../domain/limits.ts';
import { isFinal } from '../domain/status.ts';
import type { EndedAttempt } from '../observability/metrics.ts';
import { countPending } from '../store/analytics-deliveries.ts';
import { beginAttempt, type AttemptRef, type BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { cancelledBy } from '../store/execution-ledger/cancelling-event.ts';
import { settleExecution } from '../store/execution-ledger/finish-attempt.ts';
import { forgetCredentials } from '../store/tool-invocations.ts';
import { endAttempt, endAsLost, succeeded, type EndOfAttempt } from './end-attempt.ts';
import { handlerFailed } from './handler-failed.ts';
import type { HandlerShares } from './handler-shares.ts';
import type { AnalyticsOptions } from './prepare-analytics.ts';
import { runInCage, type RunInCageDeps } from './run-in-cage.ts';
import { toApplicationFailure } from './to-application-failure.ts';
import type { ToldTogether } from './told-together.ts';
import { waitForShare } from './wait-for-share.ts';
import { superseded } from './write-intent.ts';

/** Heartbeats bring a cancellation back and tell the server that this worker lives. */
const heartbeatEveryMs = 1_000;

export type RunHandlerDeps = RunInCageDeps &
  AnalyticsOptions & {
    /** Left out: whoever comes may run. */
    readonly shares?: HandlerShares | undefined;
    /** Left out: the end of each is told at once. */
    readonly together?: ToldTogether | undefined;
  };

/**
 * One attempt of one execution. The user's failure comes from the cage as a value and is recorded; only here, at the
 * border, it becomes a failure that Temporal retries, and a final one when the handler's attempts are used up.
 */
export function createRunHandler(deps: RunHandlerDeps) {
  const run = async (input: RunHandlerInput): Promise<RunHandlerResult> => {
    const release = deps.shares && (await waitForShare(deps.shares, input.organizationId));
    return await runAttempt(deps, input).finally(release);
  };
  return async function runHandler(input: RunHandlerInput): Promise<RunHandlerResult> {
    const context = Context.current();
    const heartbeat = setInterval(() => {
      context.heartbeat();
    }, heartbeatEveryMs);
    try {
      const { workflowId } = context.info.workflowExecution ?? {};
      if (deps.together === undefined || workflowId === undefined) return await run(input);
      return await deps.together.run(workflowId, () => run(input));
    } catch (error) {
      throw toApplicationFailure(error);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

async function runAttempt(deps: RunHandlerDeps, input: RunHandlerInput): Promise<RunHandlerResult> {
  const { store, checkpoint } = deps;
  const info = activityInfo();
  const startedAt = new Date();
  const queueMs = startedAt.getTime() - info.currentAttemptScheduledTimestampMs;
  const { organizationId, executionId } = input;
  await checkpoint?.('begin:before', { executionId });
  const begun = await beginAttempt(store.db, {
    organizationId,
    executionId,
    turn: info.attempt,
    claimFor: input.claimFor,
    cancellable: input.cancellable,
    firstQueuedAt: new Date(info.scheduledTimestampMs),
    queuedAt: new Date(info.currentAttemptScheduledTimestampMs),
    startedAt,
    worker: `${String(process.pid)}@${info.taskQueue}`,
  });
  await checkpoint?.('begin:after', { executionId });
  if (begun.kind === 'claimed_by_another') return { outcome: 'duplicate' };
  if (begun.kind === 'cancelled_by_event') {
    const error = cancelledBy(begun.event);
    const cancelled = { status: 'cancelled', reason: null, error } as const;
    const { claimFor } = input;
    const settled = await settleExecution(store.db, { organizationId, executionId, claimFor, ...cancelled });
    return { outcome: 'settled', ...settled };
  }
  if (begun.kind === 'superseded') {
    throw superseded();
  }
  if (begun.kind === 'settled') {
    // The worker died after it had written the end and before Temporal heard of it.
    await forgetCredentials(store.db, organizationId, executionId);
    if (!isFinal(begun.status)) throw new Error(`execution ${executionId} has ended as ${begun.status}`);
    if (begun.status === 'succeeded') {
      return succeeded((await countPending(store.db, organizationId, executionId)) > 0);
    }
    throw handlerFailed({ status: begun.status, reason: begun.reason }, null);
  }

  const ref: AttemptRef = { organizationId, executionId, attempt: begun.attempt };
  const ending = {
    db: store.db,
    ref,
    ended: (end: EndOfAttempt) => deps.metrics?.attemptEnded(countedEnd(ref, begun, end, queueMs)),
  };
  if (begun.lostInARow >= limits.maxLostAttempts) return endAsLost(ending);
  const run = await runInCage(deps, ref, begun, { startedAt, callsInFlight: input.callsInFlight ?? 1 });
  await checkpoint?.('finish:before', ref);
  try {
    return await endAttempt(ending, begun, run, deps);
  } finally {
    if (begun.executionKind === 'tool') await forgetCredentials(store.db, ref.organizationId, ref.executionId);
    await checkpoint?.('finish:after', ref);
  }
}

function countedEnd(ref: AttemptRef, begun: BegunAttempt, end: EndOfAttempt, queueMs: number): EndedAttempt {
  const { outcome, reason, final, runMs } = end;
  const { organizationId } = ref;
  return {
    organizationId,
    handler: begun.handlerName,
    kind: begun.executionKind,
    outcome,
    reason,
    final,
    queueMs,
    runMs,
  };
}
