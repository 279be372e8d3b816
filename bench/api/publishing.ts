import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import { analyzeGrownTables } from '../../src/store/statistics.ts';
import { closedEvent } from '../bench-system.ts';
import { cpuMs, median, percentile, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import { development } from '../servers/development.ts';
import { type ApiBench, type ApiClient, connections } from './api-bench.ts';

const rounds = 3;
const events = 3_000;
/** As many again, until V8 has compiled what a server runs all day. */
const warmUp = 3_000;
const handler = { eventType: 'conversation_closed', code: 'def handle_event(context):\n    return 1\n' };

/** Events with five messages, each for one handler, until their 202. */
export async function publishing(bench: ApiBench): Promise<BenchResult[]> {
  const client = await bench.server();
  await client.ask('PUT', '/handlers/bench?validate=false', handler);
  await publish(client, newEvents(warmUp));
  // The server does so every five seconds.
  await analyzeGrownTables(bench.store.db);
  const fresh: Published[] = [];
  const again: Published[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const sent = newEvents(events);
    fresh.push(await publish(client, sent));
    again.push(await publish(client, sent));
  }
  const middle = (of: Published[], what: keyof Published) => median(of.map((published) => published[what]));
  /** Of a repeat against a new one, round by round. */
  const compared = (what: 'ms' | 'cpuMs') => ({
    value: middle(again, what),
    floor: middle(fresh, what),
    ratio: median(again.map((repeat, index) => repeat[what] / (fresh[index]?.[what] ?? NaN))),
  });
  const { perSecond } = await withRelay(bench);
  return [
    row(
      'POST /conversation-events, 50 connections, Temporal stopped',
      '1/s',
      { value: middle(fresh, 'perSecond') },
      { atLeast: 500 },
    ),
    row('the same, 99th percentile', 'ms', { value: middle(fresh, 'p99') }, { atMost: 150 }),
    row('the same events again, against new ones', 'ms/event', compared('ms'), { atMost: 0.2 }),
    row('the same, CPU of all but the client', 'ms/event', compared('cpuMs'), { atMost: 0.2 }),
    row('POST /conversation-events, 50 connections, workflows started', '1/s', { value: perSecond }),
  ];
}

function newEvents(count: number) {
  return Array.from({ length: count }, () => closedEvent());
}

interface Published {
  /** From the first to the last, of an event. */
  readonly ms: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Of an event, of all but the client. */
  readonly cpuMs: number;
}

async function publish(client: ApiClient, list: readonly object[]): Promise<Published> {
  const times: number[] = [];
  const before = cpuOfOthers();
  const from = performance.now();
  await eachWithConcurrency(list, connections, async (event) => {
    times.push(...(await timeEach(1, () => client.ask('POST', '/conversation-events', event))));
  });
  const ms = (performance.now() - from) / list.length;
  return {
    ms,
    perSecond: 1_000 / ms,
    p99: percentile(times, 0.99),
    cpuMs: (cpuOfOthers() - before) / list.length,
  };
}

/** Milliseconds of the server and of PostgreSQL: all that this process has started. */
function cpuOfOthers(): number {
  const { user, system } = process.cpuUsage();
  return cpuMs([process.pid]) - (user + system) / 1_000;
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
