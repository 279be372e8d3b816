import { CancellationScope, condition, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ConversationChange, DelayedState, PinnedExecution, RunHandlersStart } from '../contract/workflow.ts';
import { storeOptions } from './policies.ts';

const { checkDelayedHandler } = proxyLocalActivities<Pick<Activities, 'checkDelayedHandler'>>(storeOptions);

/**
 * Waits for the time of a delayed handler; `waiting` then says that it has to run. The store decides whether it still
 * has to: it is asked at the beginning (an event may have come before this), when the time has come, and whenever
 * `changes` names a type that may cancel it, so that what is cancelled does not wait for days.
 */
export async function untilDue(
  { organizationId, claimFor }: RunHandlersStart,
  { executionId, handlerName, runsAt = '', cancelOn = [] }: PinnedExecution,
  changes: readonly ConversationChange[],
): Promise<DelayedState> {
  for (;;) {
    const seen = changes.length;
    const leftMs = Date.parse(runsAt) - Date.now();
    const due = leftMs <= 0;
    const state = await CancellationScope.nonCancellable(() =>
      checkDelayedHandler({ organizationId, executionId, claimFor, due }),
    );
    if (due || state.outcome !== 'waiting') return state;
    const isNews = () => changes.slice(seen).some(({ type }) => cancelOn.includes(type));
    await condition(isNews, leftMs, { summary: `${handlerName} waits for its time` });
  }
}
