import type {
  CheckDelayedInput,
  DelayedState,
  DeliverAnalyticsInput,
  OpenedEvent,
  OpenEventInput,
  Removed,
  RunHandlerInput,
  RunHandlerResult,
  Settled,
  SettleInput,
} from '../contract/workflow.ts';

export interface Activities {
  openEvent(input: OpenEventInput): Promise<OpenedEvent>;
  runHandler(input: RunHandlerInput): Promise<RunHandlerResult>;
  checkDelayedHandler(input: CheckDelayedInput): Promise<DelayedState>;
  /** Undefined as recorded by an earlier release. */
  settle(input: SettleInput): Promise<Settled | undefined>;
  deliverAnalytics(input: DeliverAnalyticsInput): Promise<void>;
  redeliverAnalytics(): Promise<void>;
  applyRetention(): Promise<Removed>;
}

export interface HelperCallRef {
  readonly organizationId: string;
  readonly callId: string;
}

/** One activity type a helper, by its name. */
export type HelperActivities = Record<string, (ref: HelperCallRef) => Promise<void>>;
