import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  patched,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle, Workflow } from '@temporalio/workflow';
import type { Activities, HelperActivities } from '../activities/index.ts';
import type {
  ConversationChange,
  ExecutionState,
  HandlerFailure,
  HelperCall,
  HelperCallOutcome,
  PinnedExecution,
  RunHandlersStart,
} from '../contract/workflow.ts';
import { limits } from '../domain/limits.ts';
import { eventStatusOf, type FailureReason, type FinalStatus } from '../domain/status.ts';
import { deliverOptions, helperOptions, runHandlerOptions, storeOptions } from './policies.ts';
import { callHelper, conversationChanged, currentState } from './signals-and-updates.ts';

const { settle } = proxyLocalActivities<Pick<Activities, 'settle'>>(storeOptions);
const helperActivities = proxyActivities<HelperActivities>(helperOptions);

/** Handlers of the same event that run in a workflow of their own. */
type Group = Pick<ChildWorkflowHandle<Workflow>, 'signal'>;

export type RunOutcome = { readonly outcome: 'ran' } | { readonly outcome: 'duplicate' };

/**
 * The handlers of one workflow: answers their calls, keeps their states for the query, runs them side by side. Made
 * before the first await, so that no update or signal finds the workflow without its handlers.
 */
export class HandlerRuns {
  readonly #states = new Map<string, ExecutionState>();
  readonly #changes: ConversationChange[] = [];
  readonly #groups: Group[] = [];
  #callsInFlight = 0;
  #cancelled = false;

  constructor() {
    setHandler(callHelper, (call) => this.#answer(call));
    setHandler(conversationChanged, (change) => {
      this.#changes.push(change);
      for (const group of this.#groups) pass(change, group);
    });
    setHandler(currentState, () => ({
      status: eventStatusOf(this.states.map(({ status }) => status)),
      executions: this.states,
      callsInFlight: this.#callsInFlight,
      changes: this.#changes,
    }));
    CancellationScope.current().cancelRequested.catch(() => {
      this.#cancelled = true;
    });
  }

  get states(): ExecutionState[] {
    return [...this.#states.values()];
  }

  /** Changes that came, and those that come, go on to this group too. */
  tell(group: Group): void {
    this.#groups.push(group);
    for (const change of this.#changes) pass(change, group);
  }

  /** Ends when every handler has settled and every call is answered. Nobody's failure touches another. */
  async run(start: RunHandlersStart): Promise<RunOutcome> {
    for (const execution of start.executions) {
      this.#states.set(execution.executionId, { ...execution, status: 'running', reason: null });
    }
    const outcomes = await Promise.all(start.executions.map((execution) => this.#runOne(start, execution)));
    // Each promise of a workflow costs 0.1 ms of its thread, so none is made for nothing.
    if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    return outcomes.includes('duplicate') ? { outcome: 'duplicate' } : { outcome: 'ran' };
  }

  async #runOne(start: RunHandlersStart, execution: PinnedExecution): Promise<'settled' | 'duplicate'> {
    const { runHandler } = proxyActivities<Pick<Activities, 'runHandler'>>({
      ...runHandlerOptions,
      taskQueue: `${workflowInfo().taskQueue}-handlers`,
      summary: execution.handlerName,
    });
    try {
      const result = await runHandler({
        organizationId: start.organizationId,
        executionId: execution.executionId,
        claimFor: start.claimFor,
        callsInFlight: Math.max(1, Math.floor(limits.updatesInFlight / start.executions.length)),
      });
      if (result.outcome === 'duplicate') return 'duplicate';
      const { status, reason } = result;
      this.#states.set(execution.executionId, { ...execution, status, reason });
      if (result.deliver === true && patched('deliver-analytics')) await deliver(start, execution);
    } catch (error) {
      this.#states.set(execution.executionId, await settleAs(start, execution, endOf(error)));
    }
    return 'settled';
  }

  /** A call that was begun is finished and recorded, also when the run is cancelled meanwhile. */
  async #answer(call: HelperCall): Promise<HelperCallOutcome> {
    if (this.#cancelled) return { outcome: 'cancelled' };
    const helper = helperActivities[call.name];
    if (helper === undefined) return { outcome: 'unavailable', message: `there is no helper ${call.name}` };
    this.#callsInFlight += 1;
    try {
      await CancellationScope.nonCancellable(() =>
        helper.executeWithOptions({ summary: call.summary }, [
          { organizationId: call.organizationId, callId: call.callId },
        ]),
      );
      return { outcome: 'answered' };
    } catch (error) {
      // A plain error here would fail the workflow task for ever; a failed update would be remembered for the retry.
      return { outcome: 'unavailable', message: messageOf(error) };
    } finally {
      this.#callsInFlight -= 1;
    }
  }
}

/** As soon as this handler has succeeded, whatever its neighbours do. What is left after the last try is not lost. */
async function deliver(start: RunHandlersStart, { executionId, handlerName }: PinnedExecution): Promise<void> {
  const { deliverAnalytics } = proxyActivities<Pick<Activities, 'deliverAnalytics'>>({
    ...deliverOptions,
    taskQueue: `${workflowInfo().taskQueue}-analytics`,
    summary: handlerName,
  });
  const input = { organizationId: start.organizationId, executionId };
  try {
    await CancellationScope.nonCancellable(() => deliverAnalytics(input));
  } catch (error) {
    log.warn('Analytics events wait for the redelivery', { executionId, error: messageOf(error) });
  }
}

/** A group that has ended takes no more signals; nothing is lost by that. */
function pass(change: ConversationChange, group: Group): void {
  group.signal(conversationChanged, change).catch(() => undefined);
}

/** For executions whose own workflow was cancelled before it began, or was ended from outside. */
export function settleAll(start: RunHandlersStart, error: unknown): Promise<ExecutionState[]> {
  return Promise.all(start.executions.map((execution) => settleAs(start, execution, endOf(error))));
}

async function settleAs(start: RunHandlersStart, execution: PinnedExecution, end: End): Promise<ExecutionState> {
  await CancellationScope.nonCancellable(() =>
    settle({
      organizationId: start.organizationId,
      claimFor: start.claimFor,
      executionId: execution.executionId,
      ...end,
    }),
  );
  return { ...execution, status: end.status, reason: end.reason };
}

interface End {
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
  readonly message: string;
}

const cancelled: End = { status: 'cancelled', reason: null, message: 'The run was cancelled.' };

function endOf(error: unknown): End {
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

function messageOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
