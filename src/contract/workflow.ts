/**
 * What crosses into and out of workflows and activities: types only, since workflow code validates nothing (a schema
 * library in the bundle doubles each cached workflow). History holds ids, names, statuses and error types: arguments,
 * answers, logs and messages stay in the store.
 */
import type { EventStatus, FailureReason, FinalStatus } from '../domain/status.ts';
import type { ConversationEventInput } from './conversation-event.ts';

export interface PinnedExecution {
  readonly executionId: string;
  readonly handlerName: string;
  /** Of a delayed one: when it runs, RFC 3339. */
  readonly runsAt?: string;
  /** Types of later events that cancel it before it begins. */
  readonly cancelOn?: readonly string[];
}

/** An event that the store already holds, with its handlers chosen and pinned. */
export interface StoredEvent {
  readonly id: string;
  readonly executions: readonly PinnedExecution[];
}

export type ConversationEventStart = {
  readonly organizationId: string;
} & ({ readonly stored: StoredEvent } | { readonly event: ConversationEventInput });

export interface ExecutionState extends PinnedExecution {
  /** `waiting`: for its time. */
  readonly status: 'waiting' | 'running' | FinalStatus;
  readonly reason: FailureReason | null;
}

export interface ConversationEventResult {
  /** Id of the conversation event in the store. */
  readonly id: string;
  readonly status: EventStatus;
  readonly executions: readonly ExecutionState[];
}

/** Answer of the query `currentState`. */
export interface CurrentState {
  readonly status: EventStatus;
  readonly executions: readonly ExecutionState[];
  readonly callsInFlight: number;
  /** Later events of the conversation that the platform told of, newest last. */
  readonly changes: readonly ConversationChange[];
}

export interface ConversationChange {
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: string;
}

/** An event that has just been stored, and the workflows in which a delayed handler waits that it cancels. */
export interface News {
  readonly change: ConversationChange;
  readonly workflowIds: readonly string[];
}

export interface RunHandlersStart {
  readonly organizationId: string;
  readonly executions: readonly PinnedExecution[];
  /** Run id that owns the event; null where no event is claimed. */
  readonly claimFor: string | null;
  /** Ids of executions that were cancelled before this began. */
  readonly cancelled?: readonly string[];
}

export type OpenedEvent =
  | {
      readonly outcome: 'opened';
      readonly id: string;
      readonly executions: readonly PinnedExecution[];
      readonly news?: News;
    }
  | { readonly outcome: 'duplicate'; readonly id: string };

export interface OpenEventInput {
  readonly organizationId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly source: { readonly storedId: string } | { readonly event: ConversationEventInput };
}

export interface RunHandlerInput {
  readonly organizationId: string;
  readonly executionId: string;
  readonly claimFor: string | null;
  /** How many helper calls it may have under way at once; left out: one. */
  readonly callsInFlight?: number;
  /** Later events may cancel it before it begins. */
  readonly cancellable?: true;
}

export type RunHandlerResult =
  | {
      readonly outcome: 'settled';
      readonly status: FinalStatus;
      readonly reason: FailureReason | null;
      /** It registered analytics events that have to be delivered. */
      readonly deliver?: boolean;
    }
  | { readonly outcome: 'duplicate' };

/** Details of a `HandlerFailed`: the user's failure, never retried as ours. */
export interface HandlerFailure {
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
}

export interface SettleInput {
  readonly organizationId: string;
  /** Run id that takes the event up where no attempt did before; null where nobody claims. */
  readonly claimFor: string | null;
  readonly executionId: string;
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
  /** Shown where the execution has no error of its own. */
  readonly message: string;
}

/** How the execution has ended now: what had ended before keeps its end. */
export interface Settled {
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
}

export interface CheckDelayedInput {
  readonly organizationId: string;
  readonly executionId: string;
  /** Run id that takes the event up where none did before; null where nobody claims. */
  readonly claimFor: string | null;
  /** Its time has come. */
  readonly due: boolean;
}

export type DelayedState = { readonly outcome: 'waiting' } | RunHandlerResult;

export interface DeliverAnalyticsInput {
  readonly organizationId: string;
  readonly executionId: string;
}

export interface HelperCall {
  readonly organizationId: string;
  readonly callId: string;
  /** Whose call it is; left out by workers of earlier releases. */
  readonly executionId?: string;
  /** The helper's name: the type of the activity that answers it. */
  readonly name: string;
  /** Short and safe to show. */
  readonly summary: string;
}

/** The answer itself is in the store. `unavailable`: every try failed; `cancelled`: nothing was done. */
export type HelperCallOutcome =
  | { readonly outcome: 'answered' }
  | { readonly outcome: 'unavailable'; readonly message: string }
  | { readonly outcome: 'cancelled' };

/** How many of each the retention removed; `conversations`: those whose messages. */
export interface Removed {
  readonly records: number;
  readonly conversations: number;
  readonly analyticsEvents: number;
  readonly events: number;
  readonly auditEntries: number;
}
