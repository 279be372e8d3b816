import { setTimeout as sleep } from 'node:timers/promises';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import { logRelayStarted, logStartFailed } from '../observability/server-log.ts';
import { postponeRelay, unclaimedEvents } from '../store/conversation-events.ts';
import type { UnclaimedEvent } from '../store/conversation-events.ts';
import type { Store } from '../store/database.ts';
import { createOutage } from './outage.ts';

export interface RelayOptions {
  readonly store: Store;
  /** Idempotent; throws `temporal_unavailable`. */
  readonly startEvent: (event: UnclaimedEvent) => Promise<{ duplicate: boolean }>;
  readonly log: Log;
  /** Between two looks for events; 1 s. */
  readonly intervalMs?: number;
}

export interface Relay {
  start(): void;
  /** Ends after the starts that are under way. */
  stop(): Promise<void>;
  /** For how long there have been events that the relay could not start yet; 0 when it is up to date. */
  lagMs(): number;
}

const batch = 100;
const startsAtOnce = 10;
/** A started workflow waits in the queue for a worker: nothing is gained by looking again soon. */
const postponedMs = 10 * 60_000;

/**
 * Starts the workflow of each event that is stored but that no workflow has taken up: its server died between the
 * store and Temporal, or Temporal was away. Any number of relays may run: a start is idempotent.
 */
export function createRelay({ store, startEvent, log, intervalMs = 1_000 }: RelayOptions): Relay {
  const stopping = new AbortController();
  const outage = createOutage(log);
  let behindSince: number | undefined;
  let loop: Promise<void> | undefined;

  async function startOne(event: UnclaimedEvent): Promise<void> {
    try {
      const { duplicate } = await startEvent(event);
      logRelayStarted(log, { workflowId: event.workflowId, alreadyStarted: duplicate });
    } catch (error) {
      if (isOutage(error)) throw error;
      // Postponed like the others: one event that cannot be started must not hold up those behind it.
      logStartFailed(log, event.workflowId, error);
    }
    await postponeRelay(store.db, event.id, new Date(Date.now() + postponedMs));
  }

  async function startWaiting(): Promise<void> {
    let found: readonly UnclaimedEvent[];
    do {
      found = await unclaimedEvents(store.db, new Date(), batch);
      if (found.length > 0) behindSince ??= Date.now();
      await forEachAtOnce(found, startsAtOnce, startOne);
    } while (found.length === batch && !stopping.signal.aborted);
    behindSince = undefined;
  }

  async function round(): Promise<number> {
    try {
      await startWaiting();
      outage.over();
      return intervalMs;
    } catch (error) {
      behindSince ??= Date.now();
      return outage.happened(error);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const pauseMs = await round();
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    start: () => {
      loop ??= run();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
    lagMs: () => (behindSince === undefined ? 0 : Date.now() - behindSince),
  };
}

function isOutage(error: unknown): boolean {
  return error instanceof AfterwordError && error.entry.kind === 'unavailable';
}

/** At most `atOnce` at a time. After the first that throws no more are begun; it throws when those under way have ended. */
async function forEachAtOnce<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = items.values();
  const failures: unknown[] = [];
  async function lane(): Promise<void> {
    for (const item of waiting) {
      if (failures.length > 0) return;
      try {
        await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane));
  if (failures.length > 0) throw failures[0];
}
