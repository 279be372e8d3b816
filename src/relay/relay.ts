import { setTimeout as sleep } from 'node:timers/promises';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import { logRelayCancelled, logRelayStarted, logStartFailed } from '../observability/server-log.ts';
import { postponeRelay, unclaimedEvents } from '../store/conversation-events.ts';
import type { UnclaimedEvent } from '../store/conversation-events.ts';
import type { Database, Store } from '../store/database.ts';
import { forgetCredentials } from '../store/tool-invocations.ts';
import { cancelUnstarted, postponeRun, waitingRuns, type WaitingRun } from '../store/waiting-runs.ts';
import { createOutage } from './outage.ts';

export interface RelayOptions {
  readonly store: Store;
  /** Idempotent; throws `temporal_unavailable`. */
  readonly startEvent: (event: UnclaimedEvent) => Promise<{ duplicate: boolean }>;
  /** Likewise, of a re-run. */
  readonly startRun: (run: WaitingRun) => Promise<{ duplicate: boolean }>;
  readonly log: Log;
  /** Between two looks for events; 1 s. */
  readonly intervalMs?: number;
}

export interface Relay {
  start(): void;
  /** Ends after the starts that are under way. */
  stop(): Promise<void>;
  /** For how long there have been events or runs that the relay could not start yet; 0 when it is up to date. */
  lagMs(): number;
}

const batch = 100;
const startsAtOnce = 10;
/** A started workflow waits in the queue for a worker: nothing is gained by looking again soon. */
const postponedMs = 10 * 60_000;

/**
 * Starts the workflow of each event and each re-run that is stored but that no worker has taken up: its server died
 * between the store and Temporal, or Temporal was away. Test runs and invocations of tools that nobody took up are
 * cancelled: whoever asked has gone. Any number of relays may run: a start is idempotent.
 */
export function createRelay({ store, startEvent, startRun, log, intervalMs = 1_000 }: RelayOptions): Relay {
  const stopping = new AbortController();
  const outage = createOutage(log);
  let behindSince: number | undefined;
  let loop: Promise<void> | undefined;

  async function start(workflowId: string, startNow: () => Promise<{ duplicate: boolean }>): Promise<Date> {
    try {
      const { duplicate } = await startNow();
      logRelayStarted(log, { workflowId, alreadyStarted: duplicate });
    } catch (error) {
      if (isOutage(error)) throw error;
      // Postponed like the others: one that cannot be started must not hold up those behind it.
      logStartFailed(log, workflowId, error);
    }
    return new Date(Date.now() + postponedMs);
  }

  async function takeEvent(event: UnclaimedEvent): Promise<void> {
    await postponeRelay(store.db, event.id, await start(event.workflowId, () => startEvent(event)));
  }

  async function takeRun(run: WaitingRun): Promise<void> {
    const { organizationId, executionId, workflowId, kind } = run;
    if (kind === 'event') {
      await postponeRun(store.db, executionId, await start(workflowId, () => startRun(run)));
    } else if (await cancelUnstarted(store.db, organizationId, executionId)) {
      await forgetCredentials(store.db, organizationId, executionId);
      logRelayCancelled(log, { workflowId });
    }
  }

  async function takeAll<Item>(
    find: (db: Database, now: Date, limit: number) => Promise<readonly Item[]>,
    take: (item: Item) => Promise<void>,
  ): Promise<void> {
    let found: readonly Item[];
    do {
      found = await find(store.db, new Date(), batch);
      if (found.length > 0) behindSince ??= Date.now();
      await forEachAtOnce(found, startsAtOnce, take);
    } while (found.length === batch && !stopping.signal.aborted);
  }

  async function takeWaiting(): Promise<void> {
    await takeAll(unclaimedEvents, takeEvent);
    await takeAll(waitingRuns, takeRun);
    behindSince = undefined;
  }

  async function round(): Promise<number> {
    try {
      await takeWaiting();
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
