import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ExecutionState, HandlerFailure, PinnedExecution, RunHandlersStart } from '../contract/workflow.ts';
import type { FailureReason, FinalStatus } from '../domain/status.ts';
import { storeOptions } from './policies.ts';

const { settle } = proxyLocalActivities<Pick<Activities, 'settle'>>(storeOptions);

/** For executions whose own workflow was cancelled before it began, or was ended from outside. */
export function settleAll(start: RunHandlersStart, error: unknown): Promise<ExecutionState[]> {
  return Promise.all(start.executions.map((execution) => settleAs(start, execution, endOf(error))));
}

export async function settleAs(start: RunHandlersStart, execution: PinnedExecution, end: End): Promise<ExecutionState> {
  const settled = await CancellationScope.nonCancellable(() =>
    settle({
      organizationId: start.organizationId,
      claimFor: start.claimFor,
      executionId: execution.executionId,
      ...end,
    }),
  );
  // What had ended by itself keeps its end; an earlier release's settling does not tell.
  const { status, reason } = settled ?? end;
  return { ...execution, status, reason };
}

interface End {
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
  readonly message: string;
}

const cancelled: End = { status: 'cancelled', reason: null, message: 'The run was cancelled.' };

export function endOf(error: unknown): End {
  if (isCancellation(error)) return cancelled;
  // Its worker was lost before it heard of the cancellation, which keeps the server from another attempt.
  if (error instanceof ActivityFailure && error.retryState === 'CANCEL_REQUESTED') return cancelled;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && cause.type === 'HandlerFailed') {
    // Another attempt would have followed: only a cancellation keeps the server from it.
    if (cause.nonRetryable !== true) return cancelled;
    const [failure] = (cause.details ?? []) as HandlerFailure[];
    if (failure !== undefined) return { ...failure, message: cause.message };
  }
  return { status: 'failed', reason: 'worker_lost', message: messageOf(error) };
}

export function messageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
