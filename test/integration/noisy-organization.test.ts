import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAfterword, type AfterwordClient } from '../../src/client.ts';
import { loadConfig } from '../../src/config/config.ts';
import { HandlerPush } from '../../src/contract/handler.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { Program } from '../setup/program.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';
import { eventually, handler } from './spine-system.ts';

/** What an organisation may cost another. */
const mostDelayMs = 2_000;
const noisyHandlers = 100;
const events = 10;
const betweenEventsMs = 100;
const { handlerSlots } = loadConfig({});

let system: TestSystem;
let noisy: AfterwordClient;
let worker: Program;

/** Milliseconds from publishing to the end, of one event after the other. */
async function timesOf(count: number): Promise<number[]> {
  const times: number[] = [];
  for (let event = 0; event < count; event += 1) {
    const start = performance.now();
    const { workflowId } = await system.client.publish(closedEvent());
    await system.client.result(workflowId);
    times.push(Math.round(performance.now() - start));
    await sleep(betweenEventsMs);
  }
  return times.sort((one, other) => one - other);
}

const medianOf = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)] ?? NaN;
const mostOf = (sorted: readonly number[]) => sorted.at(-1) ?? NaN;

async function makeNoise(id: string, body: string): Promise<void> {
  await ensureOrganization(system.store.db, { id, name: id });
  const push = { name: 'hangs', eventType: 'conversation_closed', code: handler(body), settings: { attempts: 1 } };
  await pushHandler(system.store.db, id, HandlerPush.parse(push));
  noisy = connectAfterword({ organization: id, taskQueue: system.taskQueue, address: inject('temporal').address });
  const published = await Promise.all(Array.from({ length: noisyHandlers }, () => noisy.publish(closedEvent())));
  // Not the work of starting them is measured, but that they hang, and all that they let wait behind them.
  await eventually(async () => {
    for (const { workflowId } of published) {
      const { raw } = await system.temporal.client.workflow.getHandle(workflowId).describe();
      expect(raw.pendingActivities).toHaveLength(1);
    }
    expect(await runningOf(id)).toBe(handlerSlots);
  });
}

const runningOf = async (id: string) =>
  (
    await system.store.db
      .selectFrom('executions')
      .select('id')
      .where('organization_id', '=', id)
      .where('status', '=', 'running')
      .execute()
  ).length;

describe.each([
  { name: 'sleep', body: 'time.sleep(55)' },
  { name: 'burn', body: 'while True: pass' },
])(`another organisation's ${String(noisyHandlers)} handlers that $name`, ({ name, body }) => {
  beforeAll(async () => {
    system = await startSystem({ withoutWorkers: true });
    await system.push('quick', handler('add_conversation_tag(context, "seen")'));
    worker = new Program('worker', {
      DATABASE_URL: system.databaseUrl,
      TEMPORAL_ADDRESS: inject('temporal').address,
      AFTERWORD_TASK_QUEUE: system.taskQueue,
    });
    await timesOf(3); // warm
  });
  afterAll(async () => {
    await worker.kill();
    await noisy.close();
    await system.stop();
  });

  it('delay an event by at most 2 s', async () => {
    const quiet = await timesOf(5);
    await makeNoise(name, body);
    const disturbed = await timesOf(events);
    const shown = (times: readonly number[]) =>
      `median ${String(medianOf(times))} ms, most ${String(mostOf(times))} ms`;
    console.log(`quiet: ${shown(quiet)}; beside ${String(noisyHandlers)} handlers that ${name}: ${shown(disturbed)}`);
    expect(await runningOf(name)).toBe(handlerSlots);
    expect(mostOf(disturbed) - medianOf(quiet)).toBeLessThanOrEqual(mostDelayMs);
  }, 90_000);
});
