import {
  CancellationScope,
  CancelledFailure,
  getExternalWorkflowHandle,
  proxyLocalActivities,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type {
  ConversationEventResult,
  ConversationEventStart,
  ExecutionState,
  News,
  OpenedEvent,
  PinnedExecution,
  RunHandlersStart,
} from '../contract/workflow.ts';
import { limits } from '../domain/limits.ts';
import { eventStatusOf, type EventStatus } from '../domain/status.ts';
import { statusKey } from '../temporal/search-attributes.ts';
import { HandlerRuns } from './handler-runs.ts';
import { storeOptions } from './policies.ts';
import type { runHandlers } from './run-handlers.ts';
import { settleAll } from './settle-executions.ts';
import { conversationChanged } from './signals-and-updates.ts';

const { openEvent } = proxyLocalActivities<Pick<Activities, 'openEvent'>>(storeOptions);

/** One conversation event: open it, run every handler that was on when it was received, say how they ended. */
export async function conversationEvent(start: ConversationEventStart): Promise<ConversationEventResult> {
  const runs = new HandlerRuns();
  const opened = await open(start).catch((error: unknown) => {
    upsertSearchAttributes([{ key: statusKey, value: 'failed' }]);
    throw error;
  });
  if (opened.outcome === 'duplicate') return end(opened.id, 'duplicate', []);

  const told = opened.news === undefined ? undefined : tell(opened.news);
  const { runId, workflowId } = workflowInfo();
  const common = { organizationId: start.organizationId, claimFor: runId };
  const [own, ...others] = inGroups(opened.executions);
  const [ran, ...groups] = await Promise.all([
    runs.run({ ...common, executions: own }),
    ...others.map((executions, index) =>
      runGroup(runs, `${workflowId}/handlers-${String(index + 2)}`, { ...common, executions }),
    ),
  ]);
  // A signal that is on its way when the workflow ends is dropped.
  if (told !== undefined) await told;
  if (ran.outcome === 'duplicate') return end(opened.id, 'duplicate', []);

  const states = [...runs.states, ...groups.flat()];
  if (CancellationScope.current().consideredCancelled) {
    end(opened.id, 'cancelled', states);
    throw new CancelledFailure('The conversation event was cancelled; its handlers have settled.');
  }
  return end(opened.id, eventStatusOf(states.map(({ status }) => status)), states);
}

/** In a workflow of its own, which settles them; this one does where that could not. */
async function runGroup(runs: HandlerRuns, workflowId: string, start: RunHandlersStart): Promise<ExecutionState[]> {
  try {
    const args: [RunHandlersStart] = [{ ...start, ...runs.cancelledAmong(start.executions) }];
    const child = await startChild<typeof runHandlers>('runHandlers', { workflowId, args });
    runs.tell(child);
    return await child.result();
  } catch (error) {
    return settleAll(start, error);
  }
}

/** The API chose and pinned the handlers already; a direct publisher, or an event without handlers, did not. */
async function open(start: ConversationEventStart): Promise<OpenedEvent> {
  if ('stored' in start && start.stored.executions.length > 0) return { outcome: 'opened', ...start.stored };
  // Also when it is cancelled meanwhile: what the store holds by then has to be settled.
  return CancellationScope.nonCancellable(() =>
    openEvent({
      organizationId: start.organizationId,
      workflowId: workflowInfo().workflowId,
      runId: workflowInfo().runId,
      source: 'stored' in start ? { storedId: start.stored.id } : { event: start.event },
    }),
  );
}

/** Delayed handlers of earlier events, which ask the store when their time has come where this fails. */
async function tell({ change, workflowIds }: News): Promise<void> {
  const signals = workflowIds.map((id) => getExternalWorkflowHandle(id).signal(conversationChanged, change));
  await Promise.allSettled(signals);
}

function end(id: string, status: EventStatus, executions: ExecutionState[]): ConversationEventResult {
  upsertSearchAttributes([{ key: statusKey, value: status }]);
  return { id, status, executions };
}

/** At least one group, which may be empty. */
function inGroups(executions: readonly PinnedExecution[]): [PinnedExecution[], ...PinnedExecution[][]] {
  const size = limits.handlersPerWorkflow;
  const others: PinnedExecution[][] = [];
  for (let start = size; start < executions.length; start += size) {
    others.push(executions.slice(start, start + size));
  }
  return [executions.slice(0, size), ...others];
}
