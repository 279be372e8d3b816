import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startReceiver } from '../setup/counting-receiver.ts';
import { freePorts } from '../setup/free-ports.ts';
import { inPython, inTypeScript, printed, requestOf } from '../setup/handlers-with-effects.ts';
import { numberFromEnvironment } from '../setup/number-from-environment.ts';
import { startDurablePostgres } from '../setup/postgres.ts';
import { killAtRandom, type Victim } from '../setup/random-kills.ts';
import { seededRandom } from '../setup/seeded-random.ts';
import { startTemporalCluster, type TemporalCluster } from '../setup/temporal-cluster.ts';
import { Topology } from '../setup/topology.ts';

const kills = numberFromEnvironment('AFTERWORD_KILLS', 200);
const seed = numberFromEnvironment('AFTERWORD_KILL_SEED', randomInt(1, 2 ** 31));
const publishers = 2;
const pauseMs = 1_500;
/** Of a kill with what follows, on two cores that others keep busy. */
const mostOfAKillMs = 30_000;

it(
  `${String(kills)} kills of anything at any moment lose no event and repeat no effect`,
  async () => {
    console.log(`the same victims again: AFTERWORD_KILLS=${String(kills)} AFTERWORD_KILL_SEED=${String(seed)}`);
    const folder = await mkdtemp(join(tmpdir(), 'afterword-test-kills-'));
    const [postgres, receiver, [port = 0]] = await Promise.all([startDurablePostgres(), startReceiver(), freePorts(1)]);
    const temporal = await startTemporalCluster(postgres.serverUrl, folder);
    const addresses = { databaseUrl: postgres.databaseUrl, temporalAddress: temporal.address };
    const topology = new Topology({ ...addresses, port, workers: 2 });
    try {
      await topology.ready();
      const handlers = [inPython(receiver.url), inTypeScript(receiver.url)];
      for (const handler of handlers) await topology.push(handler);

      const ended = new AbortController();
      const publishing = Promise.all(
        Array.from({ length: publishers }, (_, index) =>
          publishUntil(ended.signal, topology, `closing-${String(index)}`),
        ),
      );
      const killing = killAtRandom(victimsOf(topology, temporal, postgres.crash), {
        kills,
        random: seededRandom(seed),
      });
      const counted = await killing.finally(() => {
        ended.abort();
      });
      const accepted = (await publishing).flat();
      await topology.allEnd(accepted.length * handlers.length, kills * mostOfAKillMs);

      const { record } = topology;
      const again = receiver.requests() - accepted.length * handlers.length;
      console.log(
        `${String(accepted.length)} events; kills: ${JSON.stringify(counted)}; attempts: ${(await record.outcomes()).join(', ')}; ` +
          `requests that were in flight and went again: ${String(again)}`,
      );
      expect(await record.notSucceeded()).toEqual([]);
      expect([...(await record.eventIds())].sort()).toEqual(accepted.toSorted());
      expect(await record.statuses()).toEqual([`succeeded: ${String(accepted.length * handlers.length)}`]);
      expect(await record.notDoneOnce()).toEqual([]);
      expect(await record.notPrinted(printed)).toEqual([]);
      const requests = handlers.flatMap(({ name }) => accepted.map((id) => requestOf(name, id)));
      expect([...receiver.keysOf.keys()].sort()).toEqual(requests.toSorted());
      expect([...receiver.keysOf].filter(([, keys]) => keys.size !== 1)).toEqual([]);
      expect(topology.endedByThemselves).toEqual([]);
    } finally {
      await topology.stop();
      await temporal.stop();
      await Promise.all([postgres.stop(), receiver.close()]);
      await rm(folder, { recursive: true, force: true });
    }
  },
  2 * kills * mostOfAKillMs + 300_000,
);

function victimsOf(topology: Topology, temporal: TemporalCluster, crashPostgres: () => Promise<void>): Victim[] {
  return [
    { name: 'worker', replace: () => topology.replaceWorker(0), mayOverlap: true },
    { name: 'other worker', replace: () => topology.replaceWorker(1), mayOverlap: true },
    { name: 'fork servers', replace: () => topology.killForkServers(0), mayOverlap: true },
    { name: 'server', replace: () => topology.replaceServer(), mayOverlap: true },
    { name: 'Temporal', replace: () => temporal.restart(), mayOverlap: false },
    {
      name: 'PostgreSQL',
      replace: async () => {
        await crashPostgres();
        // Whoever runs it starts it again, should it not outlive its database.
        if (!temporal.running()) await temporal.restart();
      },
      mayOverlap: false,
    },
  ];
}

/** The events that were taken, in order. */
async function publishUntil(ended: AbortSignal, topology: Topology, name: string): Promise<readonly string[]> {
  const accepted: string[] = [];
  while (!ended.aborted) {
    const id = `${name}-${String(accepted.length)}`;
    await topology.publish(id);
    accepted.push(id);
    await sleep(pauseMs);
  }
  return accepted;
}
