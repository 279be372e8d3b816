import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';
import {
  eventually,
  fetchHistory,
  handler,
  startWorkersFor,
  useHandlers,
  type HandlerOfTest,
  type RunningWorkers,
} from './spine-system.ts';
import { watchUpdates, type WatchedUpdates } from './watched-updates.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
});
afterAll(() => system.stop());

function named(
  count: number,
  handlerOf: (number: number) => string | HandlerOfTest,
): Record<string, string | HandlerOfTest> {
  const names = Array.from(
    { length: count },
    (_, index) => [`h${String(index + 1).padStart(3, '0')}`, index + 1] as const,
  );
  return Object.fromEntries(names.map(([name, number]) => [name, handlerOf(number)]));
}

describe('a hundred handlers on one event, on the server’s own limits', () => {
  const callsEach = 4;
  let workers: RunningWorkers;
  let updates: WatchedUpdates;
  beforeAll(async () => {
    updates = watchUpdates(system);
    workers = await startWorkersFor(system, { temporal: updates.temporal, handlerSlots: 40 });
  });
  afterAll(async () => {
    await workers.stop();
    await updates.temporal.close();
  });

  it('all run with their calls; no update is refused and nothing is begun twice', { timeout: 180_000 }, async () => {
    const code = handler(`
for n in range(${String(callsEach)}):
    set_conversation_metadata(context, "k", str(n))
return "done"`);
    await useHandlers(
      system,
      named(100, () => code),
    );
    const { workflowId } = await system.client.publish(closedEvent());
    const result = await system.client.result(workflowId);
    expect(result).toMatchObject({ status: 'succeeded' });
    expect(result.executions.map(({ handlerName }) => handlerName)).toEqual(Object.keys(named(100, () => code)));
    expect(updates.refused).toEqual([]);
    expect(updates.sent).toBe(100 * callsEach);

    const groups = Array.from({ length: 100 / limits.handlersPerWorkflow }, (_, index) =>
      index === 0 ? workflowId : `${workflowId}/handlers-${String(index + 1)}`,
    );
    for (const group of groups) {
      const { events } = await fetchHistory(system, group);
      const started = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: attributes }) => attributes ?? []);
      expect(started).toHaveLength(limits.handlersPerWorkflow * (1 + callsEach));
      // A worker whose places are all taken gives a handler back to the queue: it was not begun.
      const again = started.filter(({ attempt }) => attempt !== 1);
      for (const { lastFailure } of again) expect(lastFailure?.applicationFailureInfo?.type).toBe('handlers_busy');
    }
  });
});

describe('a group of handlers in a workflow of its own', () => {
  it('goes on where another worker takes it up, and repeats no effect', { timeout: 120_000 }, async () => {
    const code = handler(`
add_conversation_event(context, "once")
print("begun", flush=True)
if context["args"]["attempt"] == 1:
    time.sleep(600)
return "ran"`);
    await useHandlers(
      system,
      named(12, () => code),
    );
    const lost = await SpawnedWorker.start(system, { handlerSlots: 12 });
    const { workflowId } = await system.client.publish(closedEvent());
    await eventually(async () => {
      const ran = Object.values(await system.executionsOf(workflowId));
      expect(ran.filter(({ stdout }) => stdout === 'begun\n')).toHaveLength(12);
    });
    await lost.kill();
    const workers = await startWorkersFor(system);
    try {
      expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
      const ran = Object.values(await system.executionsOf(workflowId));
      for (const { attemptLog } of ran) expect(attemptLog.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
      const conversation = await getConversation(system.store.db, organization, ran[0]?.conversationId ?? '');
      expect(conversation.timeline).toHaveLength(12);
    } finally {
      await workers.stop();
    }
  });

  it('that is terminated by hand keeps what had ended, and the rest is settled', async () => {
    const workers = await startWorkersFor(system);
    try {
      const hangs = handler('print("begun", flush=True)\ntime.sleep(600)');
      await useHandlers(
        system,
        named(12, (number) => (number === 12 ? hangs : handler('return 1'))),
      );
      const { workflowId } = await system.client.publish(closedEvent());
      await eventually(async () =>
        expect(await system.executionsOf(workflowId)).toMatchObject({
          h011: { status: 'succeeded' },
          h012: { stdout: 'begun\n' },
        }),
      );
      await system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`).terminate();
      const { status, executions } = await system.client.result(workflowId);
      expect(status).toBe('partly');
      expect(executions.slice(-2)).toMatchObject([
        { handlerName: 'h011', status: 'succeeded' },
        { handlerName: 'h012', status: 'failed', reason: 'worker_lost' },
      ]);
      expect(await system.executionsOf(workflowId)).toMatchObject({
        h011: { status: 'succeeded', result: 1 },
        h012: { status: 'failed', reason: 'worker_lost' },
      });
    } finally {
      await workers.stop();
    }
  });
});
