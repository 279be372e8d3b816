import { publishAndSettle, withBenchSystem, type BenchSystem } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { failsAfterCalls, fiveCalls } from './handlers.ts';

const rounds = 5;
const events = 10;
const recordedCalls = 20;
const retriesOfRound = 5;

/** What a helper call costs when it is made, and when it is answered from the ledger. */
export async function calls(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async (system) => {
    const { id, client } = await system.organization({ handler: fiveCalls });
    await timeEach(5, () => publishAndSettle(client));
    await timeEach(5, () => system.floor('withUpdates'));
    const each = await interleaved(
      rounds,
      async () => {
        await timeEach(events, () => publishAndSettle(client));
        const results = await system.afterword.ask<{ result: number[] }[]>('results', id);
        return median(results.slice(-events).flatMap(({ result }) => result));
      },
      async () => {
        const times: number[] = [];
        for (let n = 0; n < events; n += 1) times.push(...((await system.floor('withUpdates')) as number[]));
        return median(times);
      },
    );
    const { added } = await interleaved(
      rounds,
      await secondAttempts(system, recordedCalls),
      await secondAttempts(system, 0),
    );
    return [
      row('each helper call adds', 'ms', each, { atMost: 1.4 }),
      row(
        `retry of a handler with ${String(recordedCalls)} recorded calls: per recorded call`,
        'ms',
        { value: added / recordedCalls },
        { atMost: 0.5 },
      ),
    ];
  });
}

/**
 * Measures how long a second attempt takes, milliseconds: the quickest of a round. Each replayed call is a hand-over
 * between two processes, and whatever else runs on the machine only ever adds to those.
 */
async function secondAttempts(system: BenchSystem, made: number): Promise<() => Promise<number>> {
  const { id, client } = await system.organization({ handler: failsAfterCalls(made) }, { retriesOnPurpose: true });
  return async () => {
    await timeEach(retriesOfRound, () => publishAndSettle(client));
    const attempts = await system.afterword.ask<{ attempt: number; ms: number }[]>('attempts', id);
    const second = attempts.filter(({ attempt }) => attempt === 2).map(({ ms }) => ms);
    return Math.min(...second.slice(-retriesOfRound));
  };
}
