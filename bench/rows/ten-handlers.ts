import { publishAndSettle, withBenchSystem } from '../bench-system.ts';
import { cpuMs, interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls } from './handlers.ts';

const rounds = 5;
const events = 15;

/** Ten handlers on one event, against one. */
export async function tenHandlers(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, pids }) => {
    const one = await organization({ handler: withoutCalls });
    const names = Array.from({ length: 10 }, (_, index) => [`handler-${String(index)}`, withoutCalls]);
    const ten = await organization(Object.fromEntries(names) as Record<string, string>);
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
      row('ten handlers on one event, against one: time', 'ms', time, { atMost: 3 }),
      row('ten handlers on one event, against one: CPU', 'ms/event', cpu, { atMost: 4.5 }),
    ];
  });
}
