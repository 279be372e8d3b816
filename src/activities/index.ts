import type {
  DeliverAnalyticsInput,
  OpenedEvent,
  OpenEventInput,
  RunHandlerInput,
  RunHandlerResult,
  SettleInput,
} from '../contract/workflow.ts';

export interface Activities {
  openEvent(input: OpenEventInput): Promise<OpenedEvent>;
  runHandler(input: RunHandlerInput): Promise<RunHandlerResult>;
  settle(input: SettleInput): Promise<void>;
  deliverAnalytics(input: DeliverAnalyticsInput): Promise<void>;
  redeliverAnalytics(): Promise<void>;
}

export interface HelperCallRef {
  readonly organizationId: string;
  readonly callId: string;
}

/** One activity type a helper, by its name. */
export type HelperActivities = Record<string, (ref: HelperCallRef) => Promise<void>>;
