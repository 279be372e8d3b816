import { publishAndSettle, withBenchSystem, type BenchHandler } from '../bench-system.ts';
import { cpuMs, interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls, withoutCallsInTypeScript } from './handlers.ts';

const rounds = 5;
const events = 15;

/** Ten handlers on one event, against one. */
export function tenHandlers(servers: StartServers): Promise<BenchResult[]> {
  return tenAgainstOne(servers, 'ten handlers on one event', () => withoutCalls);
}

/** The same where every other one is TypeScript. */
export function tenHandlersMixed(servers: StartServers): Promise<BenchResult[]> {
  return tenAgainstOne(servers, 'ten handlers, five of them TypeScript', (index) =>
    index % 2 === 0 ? withoutCalls : withoutCallsInTypeScript,
  );
}

async function tenAgainstOne(
  servers: StartServers,
  what: string,
  handlerAt: (index: number) => string | BenchHandler,
): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, pids }) => {
    const one = await organization({ handler: withoutCalls });
    const handlers = Array.from({ length: 10 }, (_, index) => [`handler-${String(index)}`, handlerAt(index)] as const);
    const ten = await organization(Object.fromEntries(handlers));
    const cpuOf = { one: [] as number[], ten: [] as number[] };
    const measure = async (client: typeof one.client, cpu: number[]) => {
      const before = cpuMs(pids.ours);
      const times = await timeEach(events, () => publishAndSettle(client));
      cpu.push((cpuMs(pids.ours) - before) / events);
      return median(times);
    };
    await measure(one.client, []);
    await measure(ten.client, []);
    const time = await interleaved(
      rounds,
      () => measure(ten.client, cpuOf.ten),
      () => measure(one.client, cpuOf.one),
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
