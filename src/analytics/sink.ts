import type { AnalyticsPayload } from '../contract/analytics.ts';

export type WireValueType = 'string' | 'int' | 'bool' | 'list';

export interface SinkEvent {
  /** The same at every try: who receives an event again knows it by this. */
  readonly id: string;
  readonly organizationId: string;
  readonly executionId: string;
  readonly payload: AnalyticsPayload;
  /** `payload.date` as RFC 3339 in UTC, with microseconds. */
  readonly moment: string;
  /** `payload.value_type` as the wire knows it. */
  readonly wireType: WireValueType;
}

/** Somewhere that analytics events are delivered to. */
export interface AnalyticsSink {
  /** Stands in the store with each delivery: once used, it stays. */
  readonly name: string;
  /**
   * Resolves when the event has arrived. Throws SinkRefusal for a final no, anything else to be tried again; after a
   * lost answer the same event comes again, with the same id.
   */
  deliver(event: SinkEvent, signal: AbortSignal): Promise<void>;
}

/** The sink will never take this event. */
export class SinkRefusal extends Error {
  override readonly name = 'SinkRefusal';
}
