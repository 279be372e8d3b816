import {
  allHandlersFinished,
  CancellationScope,
  condition,
  log,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ChildWorkflowHandle, SignalDefinition, Workflow } from '@temporalio/workflow';
import type { Activities, HelperActivities } from '../activities/index.ts';
import type {
  ConversationChange,
  ExecutionState,
  HelperCall,
  HelperCallOutcome,
  PinnedExecution,
  RunHandlerResult,
  RunHandlersStart,
} from '../contract/workflow.ts';
import { limits } from '../domain/limits.ts';
import { eventStatusOf } from '../domain/status.ts';
import { deliverOptions, helperOptions, runHandlerOptions } from './policies.ts';
import { endOf, messageOf, settleAs } from './settle-executions.ts';
import { callHelper, cancelExecution, conversationChanged, currentState } from './signals-and-updates.ts';
import { untilDue } from './until-due.ts';

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
  readonly #scopes = new Map<string, CancellationScope>();
  readonly #cancelledOnes = new Set<string>();
  #callsInFlight = 0;
  #cancelled = false;

  constructor() {
    setHandler(callHelper, (call) => this.#answer(call));
    setHandler(conversationChanged, (change) => {
      this.#changes.push(change);
      for (const group of this.#groups) pass(group, conversationChanged, change);
    });
    setHandler(cancelExecution, (executionId) => {
      this.#cancelledOnes.add(executionId);
      this.#scopes.get(executionId)?.cancel();
      for (const group of this.#groups) pass(group, cancelExecution, executionId);
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

  /** What a group is told of those that were cancelled before it begins. */
  cancelledAmong(executions: readonly PinnedExecution[]): Pick<RunHandlersStart, 'cancelled'> {
    const cancelled = executions.map(({ executionId }) => executionId).filter((id) => this.#cancelledOnes.has(id));
    return cancelled.length === 0 ? {} : { cancelled };
  }

  /** What was signalled, and what will be, goes on to this group too. */
  tell(group: Group): void {
    this.#groups.push(group);
    for (const change of this.#changes) pass(group, conversationChanged, change);
    for (const executionId of this.#cancelledOnes) pass(group, cancelExecution, executionId);
  }

  /** Ends when every handler has settled and every call is answered. Nobody's failure touches another. */
  async run(start: RunHandlersStart): Promise<RunOutcome> {
    for (const executionId of start.cancelled ?? []) this.#cancelledOnes.add(executionId);
    for (const execution of start.executions) {
      const status = execution.runsAt === undefined ? 'running' : 'waiting';
      this.#states.set(execution.executionId, { ...execution, status, reason: null });
    }
    const outcomes = await Promise.all(start.executions.map((execution) => this.#runInScope(start, execution)));
    // Each promise of a workflow costs 0.1 ms of its thread, so none is made for nothing.
    if (!allHandlersFinished()) await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
    return outcomes.includes('duplicate') ? { outcome: 'duplicate' } : { outcome: 'ran' };
  }

  /** A scope of its own: one can be cancelled by itself. */
  #runInScope(start: RunHandlersStart, execution: PinnedExecution): Promise<'settled' | 'duplicate'> {
    const scope = new CancellationScope();
    this.#scopes.set(execution.executionId, scope);
    if (this.#cancelledOnes.has(execution.executionId)) scope.cancel();
    return scope.run(() => this.#runOne(start, execution));
  }

  async #runOne(start: RunHandlersStart, execution: PinnedExecution): Promise<'settled' | 'duplicate'> {
    try {
      const delayed = execution.runsAt === undefined ? undefined : await untilDue(start, execution, this.#changes);
      const mayRun = delayed === undefined || delayed.outcome === 'waiting';
      const ended = mayRun ? await this.#runHandler(start, execution) : delayed;
      if (ended.outcome === 'duplicate') return 'duplicate';
      const { status, reason } = ended;
      this.#states.set(execution.executionId, { ...execution, status, reason });
      if (ended.deliver === true && patched('deliver-analytics')) await deliver(start, execution);
    } catch (error) {
      this.#states.set(execution.executionId, await settleAs(start, execution, endOf(error)));
    }
    return 'settled';
  }

  #runHandler(start: RunHandlersStart, execution: PinnedExecution): Promise<RunHandlerResult> {
    const { runHandler } = proxyActivities<Pick<Activities, 'runHandler'>>({
      ...runHandlerOptions,
      taskQueue: `${workflowInfo().taskQueue}-handlers`,
      summary: execution.handlerName,
    });
    this.#states.set(execution.executionId, { ...execution, status: 'running', reason: null });
    const { organizationId, claimFor } = start;
    const { executionId, cancelOn } = execution;
    return runHandler({
      organizationId,
      executionId,
      claimFor,
      callsInFlight: Math.max(1, Math.floor(limits.updatesInFlight / start.executions.length)),
      ...(cancelOn === undefined ? {} : { cancellable: true }),
    });
  }

  /** A call that was begun is finished and recorded, also when the run is cancelled meanwhile. */
  async #answer(call: HelperCall): Promise<HelperCallOutcome> {
    const { executionId } = call;
    const isCancelled = this.#cancelled || (executionId !== undefined && this.#cancelledOnes.has(executionId));
    if (isCancelled) return { outcome: 'cancelled' };
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
function pass<Args extends [unknown]>(group: Group, signal: SignalDefinition<Args>, ...args: Args): void {
  group.signal(signal, ...args).catch(() => undefined);
}
