import { randomUUID } from 'node:crypto';
import { describe, expect, it, type TestContext } from 'vitest';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { expectFiveEffectsOnce, workOf } from './fixtures/kill-worker/effects.ts';
import { fiveCallsHandler, outputUntil } from './fixtures/kill-worker/five-calls.ts';
import { startPartHere, type PartHere } from './fixtures/kill-worker/part-here.ts';
import { SpawnedWorker, until, type SpawnOptions } from './fixtures/kill-worker/spawned-worker.ts';
import type { Stop } from './fixtures/kill-worker/stops.ts';
import type { WorkerPart } from './fixtures/kill-worker/worker-parts.ts';

/** Each test waits for 10 to 20 s until Temporal notices a lost worker: they do so together. */
describe.concurrent('a worker that dies, or seems to, while another goes on', { timeout: 120_000 }, () => {
  it('leaves a call that runs elsewhere to the retry of its handler, which joins it', async ({ onTestFinished }) => {
    const { system, event, stopAt, here, spawn } = await start(onTestFinished);
    const { workflowId } = await event();
    const workflows = await here('workflows', [stopAt(workflowId, 'helper:before', 'add_conversation_event/1')]);
    const handlers = await spawn({ part: 'handlers' });
    await until('the call runs', 30_000, () => workflows.frozen.length > 0);
    await handlers.kill();

    await here('handlers');
    await until('the next attempt waits for the call', 60_000, async () => {
      const [, second] = (await executionOf(system, workflowId)).attemptLog;
      return second?.stdout === outputUntil('before', 3);
    });
    workflows.thaw();
    await system.client.result(workflowId);
    const execution = await executionOf(system, workflowId);
    expect(execution.attemptLog.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
    expect(execution.calls.map(({ attempt, lastAttempt }) => [attempt, lastAttempt])).toEqual([
      ...[1, 2, 3].map(() => [1, 2]),
      ...[4, 5].map(() => [2, 2]),
    ]);
    await expectFiveEffectsOnce(system, execution);
  });

  it('costs the handler no attempt when it was the worker of workflows and helpers', async ({ onTestFinished }) => {
    const { system, event, stopAt, here, spawn } = await start(onTestFinished);
    const inHelper = await event();
    const beforeUpdate = await event();
    const workflows = await spawn({
      part: 'workflows',
      stops: [stopAt(inHelper.workflowId, 'helper:unrecorded', 'add_conversation_event/1')],
    });
    const handlers = await here('handlers', [
      stopAt(beforeUpdate.workflowId, 'intent:after', 'add_conversation_event/1'),
    ]);
    await until('one call runs and the other is about to be made', 30_000, () => {
      return workflows.frozen.has(inHelper.workflowId) && handlers.frozen.includes(beforeUpdate.workflowId);
    });
    await workflows.kill();
    handlers.thaw();

    await here('workflows');
    for (const { workflowId } of [inHelper, beforeUpdate]) {
      await system.client.result(workflowId);
      const execution = await executionOf(system, workflowId);
      expect(execution.attemptLog.map(({ outcome }) => outcome)).toEqual(['succeeded']);
      await expectFiveEffectsOnce(system, execution);
    }
  });

  it('writes nothing when it comes back after its attempt was given to another', async ({ onTestFinished }) => {
    const { system, event, stopAt, here, spawn } = await start(onTestFinished);
    const points = [
      ['begin:before', null],
      ['intent:before', 'add_conversation_event/1'],
      ['intent:after', 'add_conversation_event/1'],
      ['answer:read', 'add_conversation_event/1'],
      ['finish:before', null],
    ] as const;
    const stops: Stop[] = [];
    for (const [point, call] of points) stops.push(stopAt((await event()).workflowId, point, call));
    const ids = stops.map(({ workflowId }) => workflowId);

    await here('workflows');
    const zombie = await spawn({ part: 'handlers', handlerSlots: stops.length, stops });
    await until('every attempt is at its point', 30_000, () => zombie.frozen.size === stops.length);
    zombie.signal('SIGSTOP');
    const second = ids.map((workflowId) => ({ ...stopAt(workflowId, 'begin:after', null), fromAttempt: 2 }));
    const others = await here('handlers', second);
    await until('others have taken up every attempt', 60_000, () => new Set(others.frozen).size === stops.length);
    const before = await Promise.all(ids.map((workflowId) => executionOf(system, workflowId)));

    zombie.signal('SIGCONT');
    zombie.thaw();
    await until('the zombie has ended its attempts', 30_000, () => zombie.attemptEnds.size === stops.length);
    const after = await Promise.all(ids.map((workflowId) => executionOf(system, workflowId)));
    expect([...zombie.attemptEnds.values()]).not.toContain('returned');
    expect(after.map(asTheAttemptsWroteIt)).toEqual(before.map(asTheAttemptsWroteIt));
    expect(after.map(({ status }) => status)).toEqual(ids.map(() => 'running'));

    others.thaw();
    for (const [index, workflowId] of ids.entries()) {
      await system.client.result(workflowId);
      const execution = await executionOf(system, workflowId);
      const own = execution.attemptLog.map(({ outcome }) => outcome);
      expect(own, points[index]?.[0]).toEqual(index === 0 ? ['succeeded'] : ['lost', 'succeeded']);
      await expectFiveEffectsOnce(system, execution);
    }
  });

  it('does not keep a cancelled run from ending as cancelled', async ({ onTestFinished }) => {
    const { system, event, stopAt, here, spawn } = await start(onTestFinished);
    const { workflowId } = await event();
    await here('workflows');
    const handlers = await spawn({
      part: 'handlers',
      stops: [stopAt(workflowId, 'intent:before', 'add_conversation_event/1')],
    });
    await until('the handler is at its third call', 30_000, () => handlers.frozen.has(workflowId));
    handlers.signal('SIGSTOP');
    await system.client.cancel(workflowId);
    await handlers.kill();

    await here('handlers');
    await expect(system.client.result(workflowId)).rejects.toThrow();
    const execution = await executionOf(system, workflowId);
    expect(execution).toMatchObject({ status: 'cancelled', reason: null, error: null });
    expect(await workOf(system, workflowId)).toMatchObject({ updates: 2 });
  });

  it('hands its handlers over when it is told to stop', async ({ onTestFinished }) => {
    const { system, event, spawn } = await start(onTestFinished);
    const { workflowId } = await event('hang after 3');
    const first = await spawn();
    await until('the handler hangs', 30_000, async () => {
      return (await executionOf(system, workflowId).catch(() => undefined))?.stdout === outputUntil('after', 3);
    });
    first.signal('SIGTERM');
    await first.exited();

    await spawn();
    await system.client.result(workflowId);
    const execution = await executionOf(system, workflowId);
    expect(execution.attemptLog.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
    expect(execution.attemptLog[0]?.stdout).toBe(outputUntil('after', 3));
    await expectFiveEffectsOnce(system, execution);
  });
});

/** A system without workers, and what starts them; all of it ends with the test. */
async function start(onTestFinished: TestContext['onTestFinished']) {
  const ends: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const end of ends.reverse()) await end();
  });
  const system = await startSystem({ withoutWorkers: true });
  ends.push(() => system.stop());
  await system.push('five-calls', fiveCallsHandler);
  return {
    system,
    async event(subject = 'go on') {
      const id = randomUUID();
      const event = closedEvent({ id });
      if ('conversation' in event) event.conversation.subject = subject;
      await system.client.publish(event);
      return { workflowId: workflowIdOf(organization, 'default', id) };
    },
    stopAt: (workflowId: string, point: string, call: string | null): Stop => ({ workflowId, point, call }),
    async here(part: WorkerPart, stops: readonly Stop[] = []): Promise<PartHere> {
      const worker = await startPartHere(system, part, { stops });
      ends.push(() => worker.stop());
      return worker;
    },
    async spawn(options: SpawnOptions = {}): Promise<SpawnedWorker> {
      const worker = await SpawnedWorker.start(system, options);
      ends.push(() => worker.kill());
      return worker;
    },
  };
}

async function executionOf(system: TestSystem, workflowId: string): Promise<ExecutionDetail> {
  const [execution] = Object.values(await system.executionsOf(workflowId));
  if (execution === undefined) throw new Error('the event has no execution');
  return execution;
}

/**
 * Without what others may still write, a helper its answer, and without what the lost attempt printed: that is kept,
 * as its own, whenever it comes.
 */
function asTheAttemptsWroteIt({ calls, attemptLog: [first, ...others], ...execution }: ExecutionDetail) {
  return {
    ...execution,
    attemptLog: [{ ...first, stdout: '', stderr: '' }, ...others],
    calls: calls.map(({ state, answer, answeredAt, durationMs, ...call }) => call),
  };
}
