import { setTimeout as sleep } from 'node:timers/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { startReceiver } from './counting-receiver.ts';
import { createDatabase } from './databases.ts';
import { freePorts } from './free-ports.ts';
import { inPython, printed } from './handlers-with-effects.ts';
import { startTemporalCluster } from './temporal-cluster.ts';
import { Topology } from './topology.ts';

const publishers = 4;
/** Of a worker that has begun to work. */
const lifeMs = 1_500;
const pauseMs = 500;

export interface LoadAndKills {
  readonly events: number;
  readonly killTemporal: boolean;
  /** After the last event was taken. */
  readonly withinMs: number;
}

/** Real server, PostgreSQL, an API and two workers; they are killed in turn; every event ends with every effect once. */
export async function publishWhileProcessesDie(options: LoadAndKills): Promise<void> {
  const { events, withinMs } = options;
  const folder = await mkdtemp(join(tmpdir(), 'afterword-test-cluster-'));
  const [database, temporal, receiver] = await Promise.all([
    createDatabase(),
    startTemporalCluster(inject('postgres').serverUrl, folder),
    startReceiver(),
  ]);
  const [port = 0] = await freePorts(1);
  const addresses = { databaseUrl: database.url, temporalAddress: temporal.address };
  const topology = new Topology({ ...addresses, port, workers: 2 });
  try {
    await topology.ready();
    await topology.push(inPython(receiver.url));
    const ended = new AbortController();
    const killing = killInTurn(
      [
        () => topology.replaceWorker(0),
        () => topology.replaceServer(),
        () => topology.replaceWorker(1),
        ...(options.killTemporal ? [() => temporal.restart()] : []),
      ],
      ended.signal,
    );
    const waiting = Array.from({ length: events }, (_, index) => `closing-${String(index)}`).values();
    await Promise.all(
      Array.from({ length: publishers }, async () => {
        for (const id of waiting) {
          await topology.publish(id);
          await sleep(pauseMs);
        }
      }),
    );
    ended.abort();
    const kills = await killing;
    await topology.allEnd(events, withinMs);

    expect(await topology.record.notSucceeded()).toEqual([]);
    expect(await topology.record.statuses()).toEqual([`succeeded: ${String(events)}`]);
    expect(await topology.record.notDoneOnce()).toEqual([]);
    expect(await topology.record.notPrinted(printed)).toEqual([]);
    expect(receiver.keysOf.size).toBe(events);
    expect([...receiver.keysOf].filter(([, keys]) => keys.size !== 1)).toEqual([]);
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(topology.endedByThemselves).toEqual([]);
    const again = receiver.requests() - events;
    console.log(`${String(kills)} kills; requests that were in flight and went again: ${String(again)}`);
  } finally {
    await topology.stop();
    await Promise.all([temporal.stop(), receiver.close()]);
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** At least one of each, however slow the machine is. */
async function killInTurn(victims: readonly (() => Promise<void>)[], ended: AbortSignal): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    await sleep(lifeMs);
    if (ended.aborted && kills >= victims.length) return kills;
    await victims[kills % victims.length]?.();
  }
}
