import {
  WorkflowExecutionAlreadyStartedError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowStartOptions,
} from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import type { ConversationEventStart, News, PinnedExecution } from '../contract/workflow.ts';
import type { conversationEvent } from '../workflows/conversation-event.ts';
import { conversationChanged } from '../workflows/signals-and-updates.ts';
import { conversationKey, eventTypeKey, organizationKey, statusKey } from './search-attributes.ts';
import { shareOf } from './share-of.ts';
import { toTemporalError } from './temporal-errors.ts';

export interface EventToStart {
  readonly organizationId: string;
  readonly id: string;
  readonly type: string;
  readonly conversationId: string;
  readonly workflowId: string;
  readonly executions: readonly PinnedExecution[];
  /** Whom to tell of it. */
  readonly news?: News;
}

type ReusePolicy = NonNullable<WorkflowStartOptions['workflowIdReusePolicy']>;

export type StartedEvent =
  | { readonly duplicate: false; readonly runId: string }
  /** `first` is the run that has the event. */
  | { readonly duplicate: true; readonly first: WorkflowExecutionDescription };

export interface StartOptions {
  readonly workflowId: string;
  readonly type: string;
  /** Id or public id, as the publisher named it. */
  readonly conversation: string;
  readonly argument: ConversationEventStart;
}

/**
 * Starts the one workflow of an event; a second start, also after the first has ended, is a duplicate. Only over a run
 * that failed, which is one that could not open the event (its conversation was not known yet), another one starts:
 * else nothing sent under that id could ever run. Should that run have claimed the event, the new one finds the claim.
 */
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
  async function startUnder(reuse: ReusePolicy): Promise<StartedEvent> {
    try {
      const handle = await client.workflow.start<typeof conversationEvent>('conversationEvent', {
        workflowId,
        taskQueue,
        workflowIdReusePolicy: reuse,
        workflowIdConflictPolicy: 'FAIL',
        priority: shareOf(argument.organizationId),
        typedSearchAttributes,
        staticSummary: type,
        args: [argument],
      });
      return { runId: handle.firstExecutionRunId, duplicate: false };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const first = await client.workflow.getHandle(workflowId).describe();
      if (first.status.name === 'FAILED' && reuse === 'REJECT_DUPLICATE') {
        return await startUnder('ALLOW_DUPLICATE_FAILED_ONLY');
      }
      return { duplicate: true, first };
    }
  }
  try {
    return await startUnder('REJECT_DUPLICATE');
  } catch (error) {
    throw toTemporalError(error);
  }
}

/** For events that the store holds: the workflow is handed ids only. Then tells of it whom it concerns. */
export function createEventStarter(client: Client, { taskQueue }: { taskQueue: string }) {
  return async (event: EventToStart): Promise<StartedEvent> => {
    const started = await startConversationEvent(client, taskQueue, {
      workflowId: event.workflowId,
      type: event.type,
      conversation: event.conversationId,
      argument: {
        organizationId: event.organizationId,
        stored: { id: event.id, executions: event.executions },
      },
    });
    if (event.news !== undefined) await tell(client, event.news);
    return started;
  };
}

/** Nothing is lost where that fails: a delayed handler asks the store itself when its time has come. */
async function tell(client: Client, { change, workflowIds }: News): Promise<void> {
  const { workflow } = client;
  await Promise.allSettled(workflowIds.map((id) => workflow.getHandle(id).signal(conversationChanged, change)));
}
