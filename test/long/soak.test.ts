import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readToolchain } from '../../src/config/toolchain.ts';
import { startTemporalDevServer } from '../../src/temporal/dev-server.ts';
import { startReceiver } from '../setup/counting-receiver.ts';
import { createDatabase } from '../setup/databases.ts';
import { freePorts } from '../setup/free-ports.ts';
import { inPython, inTypeScript, printed } from '../setup/handlers-with-effects.ts';
import { numberFromEnvironment } from '../setup/number-from-environment.ts';
import { processTree } from '../setup/process-tree.ts';
import { usageOf } from '../setup/process-usage.ts';
import { Topology } from '../setup/topology.ts';
import { UsageOverTime } from '../setup/usage-over-time.ts';

const minutes = numberFromEnvironment('AFTERWORD_SOAK_MINUTES', 30);
const durationMs = minutes * 60_000;
/** Far below what two busy cores do: a backlog would be load, not time. */
const eventEveryMs = 1_000;
const sampleEveryMs = 2_000;
const handlersAnEvent = 2;

it(
  `${String(minutes)} minutes of events leave server and worker as they were after the first quarter`,
  async () => {
    const [database, temporal, receiver] = await Promise.all([createDatabase(), startTemporal(), startReceiver()]);
    const [port = 0] = await freePorts(1);
    const addresses = { databaseUrl: database.url, temporalAddress: temporal.address };
    const topology = new Topology({ ...addresses, port, workers: 1 });
    try {
      await topology.ready();
      await topology.push(inPython(receiver.url));
      await topology.push(inTypeScript(receiver.url));
      const usage = new UsageOverTime();
      const until = Date.now() + durationMs;
      let events = 0;
      const publishing = every(eventEveryMs, until, async () => {
        await topology.publish(`closing-${String((events += 1))}`);
      });
      await Promise.all([
        publishing,
        every(sampleEveryMs, until, () => {
          sample(topology, usage);
          return Promise.resolve();
        }),
      ]);
      await topology.allEnd(events * handlersAnEvent, 120_000);

      console.log([`${String(events)} events; medians of each quarter`, ...usage.table()].join('\n'));
      expect(await topology.record.notSucceeded()).toEqual([]);
      expect(await topology.record.statuses()).toEqual([`succeeded: ${String(events * handlersAnEvent)}`]);
      expect(await topology.record.outcomes()).toEqual([`succeeded: ${String(events * handlersAnEvent)}`]);
      expect(await topology.record.notDoneOnce()).toEqual([]);
      expect(await topology.record.notPrinted(printed)).toEqual([]);
      expect(receiver.requests()).toBe(events * handlersAnEvent);
      expect([topology.server.running, topology.workers[0]?.running]).toEqual([true, true]);
      expect(usage.grown()).toEqual([]);
    } finally {
      await topology.stop();
      await Promise.all([temporal.stop(), receiver.close()]);
      await database.drop();
    }
  },
  durationMs + 600_000,
);

function startTemporal() {
  const { temporalCli } = readToolchain();
  if (temporalCli === null) throw new Error('no Temporal CLI: run `npm run setup`');
  return startTemporalDevServer({ cliPath: temporalCli });
}

/** The cage: the fork server, handlers that run, and Denos that wait for theirs. */
function sample({ server, workers: [worker] }: Topology, usage: UsageOverTime): void {
  if (worker === undefined) throw new Error('there is one worker');
  const tree = processTree(worker.pid);
  usage.add('server', usageOf(processTree(server.pid)));
  usage.add('worker', usageOf(tree.filter(({ pid }) => pid === worker.pid)));
  usage.add('cage', usageOf(tree.filter(({ pid }) => pid !== worker.pid)));
}

/** One after the other; the next at its time, or at once where the last took longer. */
async function every(pauseMs: number, until: number, work: () => Promise<void>): Promise<void> {
  for (let next = Date.now(); next < until; next += pauseMs) {
    await sleep(Math.max(0, next - Date.now()));
    await work();
  }
}
