import { SinkAway, SinkGone, SinkRefusal, type AnalyticsSink, type SendFromSink } from '../analytics/sink.ts';
import { wireTypeOf } from '../analytics/value-type.ts';
import { eachWithConcurrency } from '../domain/concurrency.ts';
import type { DeliveryPolicy } from '../domain/delivery-policy.ts';
import { recordDeliveries, type ClaimedEvent, type DeliveryOutcome } from '../store/analytics-deliveries.ts';
import type { Database } from '../store/database.ts';

const atOnce = 10;
/** Recorded together: a worker that dies leaves no more than these to be sent again. */
const chunk = 50;
/** So many in a row, and the sink is taken to be away: the others wait for the next run. */
const failuresOfAnOutage = 10;
const errorCharacters = 1_000;

export interface DeliveryRun {
  readonly db: Database;
  readonly policy: DeliveryPolicy;
  readonly send: SendFromSink;
  /** Aborted when the activity has to end. */
  readonly signal: AbortSignal;
  /** `performance.now()` after which nothing more is sent. */
  readonly until: number;
  /** How long the redelivery leaves alone what could not be delivered now. */
  readonly againInMs: number;
}

export interface DeliveryReport {
  readonly delivered: number;
  /** How many the sink may still take later. */
  readonly left: number;
  /** It took nothing, or no more. */
  readonly away: { readonly error: string; readonly retryAfterMs: number | undefined } | null;
  /** It said that it wants nothing any more, and how. */
  readonly gone: string | null;
}

/** Delivers claimed events and records each end. */
export async function deliverToSink(
  { db, policy, send, signal, until, againInMs }: DeliveryRun,
  sink: AnalyticsSink,
  events: readonly ClaimedEvent[],
): Promise<DeliveryReport> {
  let failuresInARow = 0;
  let delivered = 0;
  let left = 0;
  let lastError: string | null = null;
  let stopped: { readonly retryAfterMs: number | undefined } | null = null;
  let gone: string | null = null;

  async function deliverOne(event: ClaimedEvent): Promise<DeliveryOutcome> {
    const { id } = event;
    const isAway = stopped !== null || failuresInARow >= failuresOfAnOutage;
    if (isAway || performance.now() > until || signal.aborted) return { id, outcome: 'untried' };
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(policy.eventTimeoutMs)]);
      const wireType = wireTypeOf(event.payload.value_type);
      await untilAborted(sink.deliver({ ...event, wireType }, within, send), within);
      failuresInARow = 0;
      return { id, outcome: 'delivered' };
    } catch (error) {
      const text = storable(error instanceof Error ? error.message : String(error));
      if (error instanceof SinkRefusal) return { id, outcome: 'refused', error: text };
      failuresInARow += 1;
      lastError = text;
      if (error instanceof SinkAway) stopped = error;
      if (error instanceof SinkGone) {
        stopped = { retryAfterMs: undefined };
        gone = text;
      }
      return { id, outcome: 'failed', error: text };
    }
  }

  for (let start = 0; start < events.length; start += chunk) {
    const outcomes = await eachWithConcurrency(events.slice(start, start + chunk), atOnce, deliverOne);
    delivered += outcomes.filter(({ outcome }) => outcome === 'delivered' || outcome === 'refused').length;
    left += outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'untried').length;
    await recordDeliveries(db, sink.name, outcomes, { againInMs, deadAfterMs: policy.deadAfterMs });
  }
  return { delivered, left, gone, away: awayOf() };

  function awayOf(): DeliveryReport['away'] {
    const isAway = stopped !== null || failuresInARow >= failuresOfAnOutage || delivered === 0;
    return isAway && lastError !== null ? { error: lastError, retryAfterMs: stopped?.retryAfterMs } : null;
  }
}

/** What a sink says may hold what a text column cannot. */
function storable(message: string): string {
  return message.slice(0, errorCharacters).toWellFormed().replaceAll('\0', '\ufffd');
}

/** A sink that does not listen to the signal must not hold up the others. */
async function untilAborted(delivery: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('The sink did not answer in time')), { once: true });
  });
  await Promise.race([delivery, aborted]);
}
