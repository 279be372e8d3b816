import type { AnalyticsPayload } from '../contract/analytics.ts';

export type WireValueType = 'string' | 'int' | 'bool' | 'list';

export interface SinkEvent {
  /** The same at every try: who receives an event again knows it by this. */
  readonly id: string;
  readonly organizationId: string;
  /** Null: no execution registered it; somebody tests the sink. */
  readonly executionId: string | null;
  readonly payload: AnalyticsPayload;
  /** `payload.date` as RFC 3339 in UTC, with microseconds. */
  readonly moment: string;
  /** `payload.value_type` as the wire knows it. */
  readonly wireType: WireValueType;
}

/** What a sink sends over HTTP. */
export interface SinkRequest {
  readonly method: string;
  /** Absolute, `http` or `https`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends over HTTP to where requests of this system may go: public addresses, and the private ones that the operator
 * opened. Follows no redirect. Rejects where no answer came, saying why.
 */
export type SendFromSink = (
  request: SinkRequest,
  signal: AbortSignal,
) => Promise<{
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Pick<Headers, 'get'>;
  readonly body: string;
}>;

/** Somewhere that analytics events are delivered to. */
export interface AnalyticsSink {
  /** Stands in the store with each delivery: once used, it stays. */
  readonly name: string;
  /**
   * Resolves when the event has arrived. Throws SinkRefusal for a final no, SinkAway or SinkGone where the others need not
   * be tried either, anything else to be tried again; after a lost answer the same event comes again, with the same id.
   * Whatever it sends over HTTP it sends by `send`.
   */
  deliver(event: SinkEvent, signal: AbortSignal, send: SendFromSink): Promise<void>;
}

/** The sink will never take this event. */
export class SinkRefusal extends Error {
  override readonly name = 'SinkRefusal';
}

/** The sink takes nothing now. */
export class SinkAway extends Error {
  override readonly name = 'SinkAway';
  /** When it asks to be tried again; undefined: it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs?: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The sink wants nothing any more. */
export class SinkGone extends Error {
  override readonly name = 'SinkGone';
}
