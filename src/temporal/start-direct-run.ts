import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, type Client } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import type { RunHandlersStart } from '../contract/workflow.ts';
import type { runHandlers } from '../workflows/run-handlers.ts';
import { conversationKey, eventTypeKey, organizationKey } from './search-attributes.ts';
import { shareOf } from './share-of.ts';
import { toTemporalError } from './temporal-errors.ts';

export interface DirectRunToStart {
  readonly organizationId: string;
  readonly executionId: string;
  readonly workflowId: string;
  readonly handlerName: string;
  readonly eventType: string;
  readonly conversationId: string | null;
}

/**
 * Starts the one workflow of an execution that no event started; idempotent: `duplicate` says that it had been started
 * before. Throws `temporal_unavailable`.
 */
export async function startDirectRun(
  client: Client,
  taskQueue: string,
  { organizationId, executionId, workflowId, handlerName, eventType, conversationId }: DirectRunToStart,
): Promise<{ duplicate: boolean }> {
  const typedSearchAttributes: SearchAttributePair[] = [
    { key: organizationKey, value: organizationId },
    { key: eventTypeKey, value: eventType },
    ...(conversationId === null ? [] : [{ key: conversationKey, value: conversationId }]),
  ];
  const start: RunHandlersStart = { organizationId, executions: [{ executionId, handlerName }], claimFor: null };
  try {
    await client.workflow.start<typeof runHandlers>('runHandlers', {
      workflowId,
      taskQueue,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      priority: shareOf(organizationId),
      typedSearchAttributes,
      staticSummary: handlerName,
      args: [start],
    });
    return { duplicate: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { duplicate: true };
    throw toTemporalError(error);
  }
}

/**
 * Waits until the run's workflow has ended, however it did; the store says how. Rejects when the signal is aborted or
 * Temporal is away: the run goes on by itself.
 */
export async function directRunEnded(client: Client, workflowId: string, signal: AbortSignal): Promise<void> {
  try {
    await client.withAbortSignal(signal, () => client.workflow.getHandle(workflowId).result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
  }
}
