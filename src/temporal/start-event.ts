import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import type { ConversationEventStart, PinnedExecution } from '../contract/workflow.ts';
import type { conversationEvent } from '../workflows/conversation-event.ts';
import { conversationKey, eventTypeKey, organizationKey, statusKey } from './search-attributes.ts';
import { toTemporalError } from './temporal-errors.ts';

export interface EventToStart {
  readonly organizationId: string;
  readonly id: string;
  readonly type: string;
  readonly conversationId: string;
  readonly workflowId: string;
  readonly executions: readonly PinnedExecution[];
}

/** `runId` is null for a duplicate: the server does not tell the run it found. */
export interface StartedEvent {
  readonly runId: string | null;
  readonly duplicate: boolean;
}

export interface StartOptions {
  readonly workflowId: string;
  readonly type: string;
  /** Id or public id, as the publisher named it. */
  readonly conversation: string;
  readonly argument: ConversationEventStart;
}

/** Starts the one workflow of an event; a second start, also after the first has ended, is a duplicate. */
export async function startConversationEvent(
  client: Client,
  taskQueue: string,
  { workflowId, type, conversation, argument }: StartOptions,
): Promise<StartedEvent> {
  const typedSearchAttributes: SearchAttributePair[] = [
    { key: organizationKey, value: argument.organizationId },
    { key: eventTypeKey, value: type },
    { key: conversationKey, value: conversation },
    { key: statusKey, value: 'running' },
  ];
  try {
    const handle = await client.workflow.start<typeof conversationEvent>('conversationEvent', {
      workflowId,
      taskQueue,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      typedSearchAttributes,
      staticSummary: type,
      args: [argument],
    });
    return { runId: handle.firstExecutionRunId, duplicate: false };
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return { runId: null, duplicate: true };
    throw toTemporalError(error);
  }
}

/** For events that the store holds: the workflow is handed ids only. */
export function createEventStarter(client: Client, { taskQueue }: { taskQueue: string }) {
  return (event: EventToStart): Promise<StartedEvent> =>
    startConversationEvent(client, taskQueue, {
      workflowId: event.workflowId,
      type: event.type,
      conversation: event.conversationId,
      argument: {
        organizationId: event.organizationId,
        stored: { id: event.id, executions: event.executions },
      },
    });
}
