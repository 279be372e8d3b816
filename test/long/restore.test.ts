import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startReceiver } from '../setup/counting-receiver.ts';
import { freePorts } from '../setup/free-ports.ts';
import { inPython, printed, requestOf } from '../setup/handlers-with-effects.ts';
import { startDurablePostgres } from '../setup/postgres.ts';
import { startTemporalCluster } from '../setup/temporal-cluster.ts';
import { Topology } from '../setup/topology.ts';

const endMs = 120_000;
/** With their owner: PostgreSQL runs as a user of its own. */
const copy = (from: string, to: string) => promisify(execFile)('cp', ['--archive', from, to]);
const named = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${String(n)}`);

it(
  'a snapshot of PostgreSQL with the store and Temporal in it, restored, goes on where it was',
  { timeout: 900_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'afterword-test-restore-'));
    const backup = join(folder, 'backup');
    const [postgres, receiver, [port = 0]] = await Promise.all([startDurablePostgres(), startReceiver(), freePorts(1)]);
    const temporal = await startTemporalCluster(postgres.serverUrl, folder);
    const start = async () => {
      const addresses = { databaseUrl: postgres.databaseUrl, temporalAddress: temporal.address };
      const topology = new Topology({ ...addresses, port, workers: 2 });
      await topology.ready();
      return topology;
    };
    let topology = await start();
    try {
      const [ended, underWay, later] = [named('ended', 10), named('under-way', 20), named('later', 5)];
      await topology.push(inPython(receiver.url));
      for (const id of ended) await topology.publish(id);
      await topology.allEnd(10, endMs);

      await Promise.all(underWay.map((id) => topology.publish(id)));
      // As the snapshot of a volume: what stands on the disk at one moment, of a server that runs.
      await postgres.crash(async (files) => {
        await copy(files, backup);
      });
      if (!temporal.running()) await temporal.restart();
      await topology.allEnd(30, endMs);
      for (const id of later) await topology.publish(id);
      await topology.allEnd(35, endMs);
      const requestsBefore = receiver.requests();

      await topology.stop();
      await temporal.kill();
      await postgres.crash(async (files) => {
        await rm(files, { recursive: true });
        await copy(backup, files);
      });
      await temporal.restart();
      topology = await start();
      expect((await topology.record.eventIds()).toSorted()).toEqual([...ended, ...underWay].toSorted());
      // What a publisher sent since the snapshot it sends again: what is known is a duplicate, the rest is taken.
      for (const id of [...underWay, ...later]) await topology.publish(id);
      await topology.allEnd(35, endMs);

      const { record } = topology;
      expect(await record.notSucceeded()).toEqual([]);
      expect(await record.statuses()).toEqual(['succeeded: 35']);
      expect(await record.notDoneOnce()).toEqual([]);
      expect(await record.notPrinted(printed)).toEqual([]);
      const keysOf = (id: string) => receiver.keysOf.get(requestOf('in-python', id))?.size;
      // Of what the snapshot knew every request bears the key it had: the other side can tell that it is the same.
      expect([...ended, ...underWay].filter((id) => keysOf(id) !== 1)).toEqual([]);
      // What was done after it is not known any more, and done again.
      expect(later.map(keysOf)).toEqual(later.map(() => 2));
      expect(receiver.requests() - requestsBefore).toBeLessThanOrEqual(underWay.length + later.length);
    } finally {
      await topology.stop();
      await temporal.stop();
      await Promise.all([postgres.stop(), receiver.close()]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);
