import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import { analyzeGrownTables } from '../../src/store/statistics.ts';
import { closedEvent } from '../bench-system.ts';
import { percentile, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import { development } from '../servers/development.ts';
import { type ApiBench, type ApiClient, connections } from './api-bench.ts';

const events = 3_000;
const warmUp = 500;
const handler = { eventType: 'conversation_closed', code: 'def handle_event(context):\n    return 1\n' };

/** Events with five messages, each for one handler, until their 202. */
export async function publishing(bench: ApiBench): Promise<BenchResult[]> {
  const client = await bench.server();
  await client.ask('PUT', '/handlers/bench?validate=false', handler);
  await publish(client, newEvents(warmUp));
  // The server does so every five seconds.
  await analyzeGrownTables(bench.store.db);
  const sent = newEvents(events);
  const first = await publish(client, sent);
  const again = await publish(client, sent);
  const { perSecond } = await withRelay(bench);
  return [
    row(
      'POST /conversation-events, 50 connections, Temporal stopped',
      '1/s',
      { value: first.perSecond },
      { atLeast: 500 },
    ),
    row('the same, 99th percentile', 'ms', { value: first.p99 }, { atMost: 150 }),
    row(
      'the same events again, against new ones',
      'ms/event',
      { value: 1_000 / again.perSecond, floor: 1_000 / first.perSecond, ratio: first.perSecond / again.perSecond },
      { atMost: 0.2 },
    ),
    row('POST /conversation-events, 50 connections, workflows started', '1/s', { value: perSecond }),
  ];
}

function newEvents(count: number) {
  return Array.from({ length: count }, () => closedEvent());
}

async function publish(client: ApiClient, list: readonly object[]): Promise<{ perSecond: number; p99: number }> {
  const times: number[] = [];
  const from = performance.now();
  await eachWithConcurrency(list, connections, async (event) => {
    times.push(...(await timeEach(1, () => client.ask('POST', '/conversation-events', event))));
  });
  return { perSecond: (list.length * 1_000) / (performance.now() - from), p99: percentile(times, 0.99) };
}

async function withRelay(bench: ApiBench): Promise<{ perSecond: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'afterword-bench-'));
  const temporal = await development(folder);
  try {
    const client = await bench.server(temporal.address);
    await publish(client, newEvents(warmUp));
    return await publish(client, newEvents(events));
  } finally {
    await temporal.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
