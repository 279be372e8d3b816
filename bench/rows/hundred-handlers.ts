import { publishAndSettle, withBenchSystem } from '../bench-system.ts';
import { cpuMs, interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls } from './handlers.ts';

const rounds = 3;

/** A hundred handlers on one event, in ten workflows, against ten in one: for each handler. */
export function hundredHandlers(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, pids }) => {
    const withHandlers = async (count: number) => {
      const names = Array.from({ length: count }, (_, index) => [`handler-${String(index)}`, withoutCalls] as const);
      return { count, client: (await organization(Object.fromEntries(names))).client };
    };
    const ten = await withHandlers(10);
    const hundred = await withHandlers(100);
    const cpuOf = { ten: [] as number[], hundred: [] as number[] };
    /** As many handlers on either side. */
    const measure = async ({ count, client }: typeof ten, cpu: number[]) => {
      const events = 200 / count;
      const before = cpuMs(pids.ours);
      const times = await timeEach(events, () => publishAndSettle(client));
      cpu.push((cpuMs(pids.ours) - before) / events / count);
      return median(times) / count;
    };
    await measure(ten, []);
    await measure(hundred, []);
    const time = await interleaved(
      rounds,
      () => measure(hundred, cpuOf.hundred),
      () => measure(ten, cpuOf.ten),
    );
    const cpu = {
      value: median(cpuOf.hundred),
      floor: median(cpuOf.ten),
      ratio: median(cpuOf.hundred.map((value, index) => value / (cpuOf.ten[index] ?? NaN))),
    };
    return [
      row('a hundred handlers on one event, against ten: time', 'ms/handler', time, { atMost: 1.2 }),
      row('a hundred handlers on one event, against ten: CPU', 'ms/handler', cpu, { atMost: 1.2 }),
    ];
  });
}
