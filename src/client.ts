import type { WorkflowExecutionDescription } from '@temporalio/client';
import { z } from 'zod';
import { ConversationEventInput } from './contract/conversation-event.ts';
import { eventFault } from './contract/event-fault.ts';
import type { ConversationChange, ConversationEventResult, ConversationEventStart } from './contract/workflow.ts';
import { AfterwordError, type ErrorCode } from './domain/errors.ts';
import { eventIdOf, workflowIdOf } from './domain/event-key.ts';
import { limits } from './domain/limits.ts';
import { eachWithConcurrency } from './domain/concurrency.ts';
import { connectTemporal, type Temporal, type TemporalOptions } from './temporal/connection.ts';
import { conversationKey, eventTypeKey } from './temporal/search-attributes.ts';
import { startConversationEvent } from './temporal/start-event.ts';
import { toTemporalError } from './temporal/temporal-errors.ts';
import type { conversationEvent } from './workflows/conversation-event.ts';
import { conversationChanged } from './workflows/signals-and-updates.ts';

export type { ConversationChange, ConversationEventInput, ConversationEventResult };
export { AfterwordError };

export interface AfterwordClientOptions extends TemporalOptions {
  /** Whose handlers run: the organisation's id. */
  readonly organization: string;
  /** Where the workers listen; `afterword` unless they were told otherwise. */
  readonly taskQueue?: string;
}

export interface Published {
  readonly workflowId: string;
  readonly runId: string;
  /** The event had been published before; nothing runs twice. */
  readonly duplicate: boolean;
}

export type PublishResult =
  | ({ readonly ok: true } & Published)
  | { readonly ok: false; readonly error: { readonly code: ErrorCode; readonly message: string } };

/**
 * Publishes conversation events straight to Temporal, without HTTP. Whoever can reach Temporal is trusted: API keys
 * are not asked for. Where Temporal is comes from TEMPORAL_* and temporal.toml.
 */
export class AfterwordClient {
  readonly #temporal: Temporal;
  readonly #organization: string;
  readonly #taskQueue: string;

  constructor(options: AfterwordClientOptions) {
    this.#temporal = connectTemporal(options);
    this.#organization = options.organization;
    this.#taskQueue = options.taskQueue ?? 'afterword';
  }

  /**
   * Starts the event's one workflow. The same event again answers `duplicate: true` with the run that has it.
   * Throws AfterwordError: invalid_request, unknown_event_type, event_id_missing, event_id_reused,
   * start_argument_too_large, temporal_unavailable.
   */
  async publish(event: z.input<typeof ConversationEventInput>): Promise<Published> {
    const parsed = parseEvent(event);
    const conversation = 'conversation' in parsed ? parsed.conversation.id : parsed.conversationId;
    const workflowId = workflowIdOf(this.#organization, parsed.source, eventIdOf(parsed, conversation));
    const argument: ConversationEventStart = { organizationId: this.#organization, event: parsed };
    const size = Buffer.byteLength(JSON.stringify(argument));
    if (size > limits.startArgumentBytes) {
      throw new AfterwordError(
        'start_argument_too_large',
        `The event with its conversation is ${String(size)} bytes; a direct start takes ${String(limits.startArgumentBytes)}.`,
      );
    }
    const { client } = this.#temporal;
    const started = await startConversationEvent(client, this.#taskQueue, {
      workflowId,
      type: parsed.type,
      conversation,
      argument,
    });
    if (!started.duplicate) return { workflowId, runId: started.runId, duplicate: false };
    refuseReusedId(parsed, conversation, started.first);
    return { workflowId, runId: started.first.runId, duplicate: true };
  }

  /** One result for each event, in order; at most `concurrency` under way at once. */
  publishMany(
    events: readonly z.input<typeof ConversationEventInput>[],
    { concurrency = 50 }: { concurrency?: number } = {},
  ): Promise<PublishResult[]> {
    return eachWithConcurrency(events, concurrency, async (event): Promise<PublishResult> => {
      try {
        return { ok: true, ...(await this.publish(event)) };
      } catch (error) {
        const code = error instanceof AfterwordError ? error.code : 'internal';
        return { ok: false, error: { code, message: error instanceof Error ? error.message : String(error) } };
      }
    });
  }

  /** Tells the event's workflow that the conversation has moved on; ignored where the workflow has ended. */
  async conversationChanged(workflowId: string, change: ConversationChange): Promise<void> {
    await withTemporalErrors(() => this.#handle(workflowId).signal(conversationChanged, change));
  }

  /** Temporal's description of the event's workflow: its status, times and search attributes. */
  async describe(workflowId: string): Promise<WorkflowExecutionDescription> {
    return withTemporalErrors(() => this.#handle(workflowId).describe());
  }

  /** Waits until every handler has settled. Rejects where the event was cancelled or could not be opened. */
  async result(workflowId: string): Promise<ConversationEventResult> {
    return withTemporalErrors(() => this.#handle(workflowId).result());
  }

  /** Ends the event's running handlers as cancelled; effects already made stay. */
  async cancel(workflowId: string): Promise<void> {
    await withTemporalErrors(() => this.#handle(workflowId).cancel());
  }

  async close(): Promise<void> {
    await this.#temporal.close();
  }

  #handle(workflowId: string) {
    return this.#temporal.client.workflow.getHandle<typeof conversationEvent>(workflowId);
  }
}

/** The client of one organisation; it connects at its first call. */
export function connectAfterword(options: AfterwordClientOptions): AfterwordClient {
  return new AfterwordClient(options);
}

function parseEvent(event: unknown): ConversationEventInput {
  const parsed = ConversationEventInput.safeParse(event);
  if (parsed.success) return parsed.data;
  throw eventFault(event, 'event');
}

/** One may name the conversation by its id and the other by its public id: only two ids can be told apart here. */
function refuseReusedId(
  event: ConversationEventInput,
  conversation: string,
  first: WorkflowExecutionDescription,
): void {
  const type = first.typedSearchAttributes.get(eventTypeKey);
  const other = first.typedSearchAttributes.get(conversationKey);
  const sameConversation = other === conversation || !isUuid(other) || !isUuid(conversation);
  if (type === event.type && sameConversation) return;
  throw new AfterwordError(
    'event_id_reused',
    `The id ${JSON.stringify(event.id)} was used for ${String(type)} of conversation ${String(other)}; ` +
      `now it came for ${event.type} of ${conversation}.`,
  );
}

function isUuid(value: unknown): boolean {
  return z.uuid().safeParse(value).success;
}

async function withTemporalErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toTemporalError(error);
  }
}
