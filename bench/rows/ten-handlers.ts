import { publishAndSettle, withBenchSystem, type BenchHandler } from '../bench-system.ts';
import { cpuMs, interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls, withoutCallsInTypeScript } from './handlers.ts';

const rounds = 5;
const events = 15;

/** Ten handlers on one event, against one. */
export function tenHandlers(servers: StartServers): Promise<BenchResult[]> {
  return tenAgainstOne(servers, 'ten handlers on one event', [withoutCalls]);
}

/** The same where every other one is TypeScript, against the mean of one in Python and one in TypeScript. */
export function tenHandlersMixed(servers: StartServers): Promise<BenchResult[]> {
  return tenAgainstOne(servers, 'ten handlers, five of them TypeScript', [withoutCalls, withoutCallsInTypeScript]);
}

async function tenAgainstOne(
  servers: StartServers,
  what: string,
  kinds: readonly (string | BenchHandler)[],
): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, pids }) => {
    const ofCount = async (count: number, of: readonly (string | BenchHandler)[]) => {
      const handlers = Array.from({ length: count }, (_, index) => of[index % of.length] ?? '');
      const named = handlers.map((handler, index) => [`handler-${String(index)}`, handler] as const);
      return (await organization(Object.fromEntries(named))).client;
    };
    const ones = await Promise.all(kinds.map((kind) => ofCount(1, [kind])));
    const ten = [await ofCount(10, kinds)];
    const cpuOf = { one: [] as number[], ten: [] as number[] };
    /** Means over the clients. */
    const measure = async (clients: typeof ones, cpu: number[]) => {
      const before = cpuMs(pids.ours);
      let time = 0;
      for (const client of clients) time += median(await timeEach(events, () => publishAndSettle(client)));
      cpu.push((cpuMs(pids.ours) - before) / events / clients.length);
      return time / clients.length;
    };
    await measure(ones, []);
    await measure(ten, []);
    const time = await interleaved(
      rounds,
      () => measure(ten, cpuOf.ten),
      () => measure(ones, cpuOf.one),
    );
    const cpu = {
      value: median(cpuOf.ten),
      floor: median(cpuOf.one),
      ratio: median(cpuOf.ten.map((value, index) => value / (cpuOf.one[index] ?? NaN))),
    };
    return [
      row(`${what}, against one: time`, 'ms', time, { atMost: 3 }),
      row(`${what}, against one: CPU`, 'ms/event', cpu, { atMost: 4.5 }),
    ];
  });
}
