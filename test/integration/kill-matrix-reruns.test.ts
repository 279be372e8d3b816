import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckpointName } from '../../src/activities/checkpoint.ts';
import { getConversation } from '../../src/store/conversations.ts';
import type { CreatedRerun } from '../../src/store/reruns.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { fiveCalls, fiveCallsHandler } from './fixtures/kill-worker/five-calls.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';
import { endOfRerun, startRerun, writeRerun } from './reruns-of-system.ts';

/**
 * As kill-matrix.test.ts: one re-run for each point, one kill for all. Each runs a handler again that failed after four
 * of its five calls; mended, one effect is missing.
 */
const points = [
  'begin:before',
  'begin:after',
  'intent:before',
  'intent:after',
  'helper:before',
  'helper:unrecorded',
  'helper:recorded',
  'answer:read',
  'finish:before',
  'finish:after',
] as const satisfies readonly CheckpointName[];

let system: TestSystem;
const runs = new Map<CheckpointName, CreatedRerun>();
const workers: SpawnedWorker[] = [];

beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
  const failing = fiveCallsHandler.replace(
    '    step(lambda: add_conversation_event(context, "five"))',
    '    return 1 / 0',
  );
  await system.push('five', failing, { settings: { attempts: 1 } });
  const published = await Promise.all(points.map(() => system.client.publish(closedEvent())));
  const first = await spawn();
  await Promise.all(published.map(({ workflowId }) => system.client.result(workflowId)));
  await first.kill();
  await system.push('five', fiveCallsHandler, { settings: { attempts: 1 } });
  for (const [index, point] of points.entries()) {
    const { five } = await system.executionsOf(published[index]?.workflowId ?? '');
    expect(five).toMatchObject({ status: 'failed' });
    const run = await writeRerun(system, five?.id ?? '', { version: 'newest' });
    await startRerun(system, run);
    runs.set(point, run);
  }
  const stops = [...runs].map(([point, { workflowId }]) => ({ workflowId, point, call: null }));
  const killed = await spawn(stops);
  await vi.waitFor(
    () => {
      expect([...killed.frozen].sort()).toEqual([...runs.values()].map(({ workflowId }) => workflowId).sort());
    },
    { timeout: 60_000, interval: 100 },
  );
  await killed.kill();
  await spawn();
}, 240_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await system.stop();
});

async function spawn(stops: { workflowId: string; point: CheckpointName; call: null }[] = []) {
  const worker = await SpawnedWorker.start(system, { stops });
  workers.push(worker);
  return worker;
}

describe('a worker killed at every point of a re-run', () => {
  it.each(points)(
    '%s: the missing effect is made once, the others are not repeated',
    async (point) => {
      const run = runs.get(point);
      if (run === undefined) throw new Error('it was not started');
      const execution = await endOfRerun(system, run);
      expect(execution).toMatchObject({ status: 'succeeded', rerunOf: run.rerunOf });
      expect(execution.calls.map(({ name, n }) => `${name}/${String(n)}`)).toEqual(fiveCalls);
      const made = execution.calls.map(({ replayedFrom }) => replayedFrom);
      expect(made).toEqual([...Array<string>(4).fill(run.rerunOf), null]);
      expect(execution.result).toEqual(execution.calls.map(({ answer }) => answer));
      const conversation = await getConversation(system.store.db, organization, execution.conversationId ?? '');
      expect(conversation.timeline.map(({ description }) => description)).toEqual(['three', 'five']);
    },
    120_000,
  );
});
