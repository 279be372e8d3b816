import { SinkRefusal, type AnalyticsSink, type SendFromSink } from '../analytics/sink.ts';
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

/** Delivers claimed events and records each end; answers how many the sink may still take later. */
export async function deliverToSink(
  { db, policy, send, signal, until, againInMs }: DeliveryRun,
  sink: AnalyticsSink,
  events: readonly ClaimedEvent[],
): Promise<number> {
  let failuresInARow = 0;
  let left = 0;

  async function deliverOne(event: ClaimedEvent): Promise<DeliveryOutcome> {
    const { id } = event;
    if (failuresInARow >= failuresOfAnOutage || performance.now() > until || signal.aborted) {
      return { id, outcome: 'untried' };
    }
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
      return { id, outcome: 'failed', error: text };
    }
  }

  for (let start = 0; start < events.length; start += chunk) {
    const outcomes = await eachWithConcurrency(events.slice(start, start + chunk), atOnce, deliverOne);
    left += outcomes.filter(({ outcome }) => outcome === 'failed' || outcome === 'untried').length;
    await recordDeliveries(db, sink.name, outcomes, { againInMs, deadAfterMs: policy.deadAfterMs });
  }
  return left;
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
