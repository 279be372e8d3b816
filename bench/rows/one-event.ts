import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import { closedEvent, publishAndSettle, withBenchSystem } from '../bench-system.ts';
import { cpuMs, interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { firstLine, withoutCalls } from './handlers.ts';

const rounds = 5;
const eventsAlone = 20;
const clients = 50;
const eventsTogether = 200;

/** One event with one handler that makes no calls: alone, at 50 clients, and a duplicate of it. */
export async function oneEvent(servers: StartServers): Promise<BenchResult[]> {
  return withBenchSystem(servers, async ({ organization, floor, pids, afterword }) => {
    const { client } = await organization({ handler: withoutCalls });
    const settle = () => publishAndSettle(client);
    const bare = () => floor('bare');
    await timeEach(10, settle);
    await timeEach(10, bare);

    const alone = await interleaved(
      rounds,
      async () => median(await timeEach(eventsAlone, settle)),
      async () => median(await timeEach(eventsAlone, bare)),
    );

    // Before the load of 50 clients, which the server still digests for a while.
    const { id, client: timing } = await organization({ handler: firstLine });
    const published = new Map<string, number>();
    await timeEach(40, async () => {
      const timed = closedEvent();
      published.set(timed.id, performance.timeOrigin + performance.now());
      await timing.result((await timing.publish(timed)).workflowId);
    });
    const results = await afterword.ask<{ eventId: string; result: number }[]>('results', id);
    const untilFirstLine = median(results.slice(10).map((of) => of.result - (published.get(of.eventId) ?? NaN)));

    const cpu: { value: number; floor: number }[] = [];
    const together = async (run: () => Promise<unknown>, of: readonly number[], into: number[]) => {
      const cpuBefore = cpuMs(of);
      const from = performance.now();
      await eachWithConcurrency(Array.from({ length: eventsTogether }), clients, run);
      const seconds = (performance.now() - from) / 1000;
      into.push((cpuMs(of) - cpuBefore) / eventsTogether);
      return eventsTogether / seconds;
    };
    const cpuOurs: number[] = [];
    const cpuFloor: number[] = [];
    const rate = await interleaved(
      rounds,
      () => together(settle, pids.ours, cpuOurs),
      () => together(bare, pids.floor, cpuFloor),
    );
    for (const [index, value] of cpuOurs.entries()) cpu.push({ value, floor: cpuFloor[index] ?? NaN });
    const cpuPerEvent = {
      value: median(cpuOurs),
      floor: median(cpuFloor),
      ratio: median(cpu.map(({ value, floor: of }) => value / of)),
    };

    const event = closedEvent();
    await client.result((await client.publish(event)).workflowId);
    const cpuBefore = cpuMs(pids.ours);
    const duplicates = 1_000;
    await eachWithConcurrency(Array.from({ length: duplicates }), clients, async () => {
      const { duplicate } = await client.publish(event);
      if (!duplicate) throw new Error('a duplicate was taken for a new event');
    });
    const perDuplicate = (cpuMs(pids.ours) - cpuBefore) / duplicates;

    return [
      row('one event, one handler, alone: publish to settled', 'ms', alone, { atMost: 2 }),
      row('one event, one handler, 50 clients: rate', 'events/s', rate, { atLeast: 0.6 }),
      row('one event, one handler, 50 clients: CPU of all but the client', 'ms/event', cpuPerEvent, { atMost: 1.8 }),
      row(
        'a duplicate publish, against a new one: CPU',
        'ms',
        { value: perDuplicate, floor: cpuPerEvent.value, ratio: perDuplicate / cpuPerEvent.value },
        { atMost: 0.05 },
      ),
      row(
        "publish until the handler's first line, warm",
        'ms',
        { value: untilFirstLine, floor: alone.floor },
        { atMost: 60 },
      ),
    ];
  });
}
