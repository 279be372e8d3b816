import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { getConversation } from '../../src/store/conversations.ts';
import { rollbackHandler, getHandler, listHandlerVersions } from '../../src/store/handlers.ts';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';
import { useHandlers } from './spine-system.ts';

const typescript = (body: string) => `export async function handleEvent(context: any, helpers: any) {\n${body}\n}\n`;
const ten = 'const numbers = Array.from({ length: 10 }, (_, n) => n);';
const inFlight: number[] = [];
let now = 0;

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({
    checkpoint: async (point) => {
      if (point === 'intent:after') inFlight.push((now += 1));
      if (point === 'answer:read') now -= 1;
      await Promise.resolve();
    },
  });
});
afterAll(() => system.stop());

describe('calls made at once', () => {
  it('are in flight at once, ten for a handler that is alone', async () => {
    await useHandlers(system, {});
    inFlight.length = 0;
    const body = `${ten} return await Promise.all(numbers.map((n) => helpers.addConversationEvent('event ' + n)));`;
    await system.push('parallel', typescript(body), { language: 'typescript' });
    const { parallel } = await system.run();
    expect(parallel).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(parallel?.calls.map(({ name, n }) => `${name}/${String(n)}`).sort()).toEqual(
      Array.from({ length: 10 }, (_, n) => `add_conversation_event/${String(n + 1)}`).sort(),
    );
    expect(Math.max(...inFlight)).toBeGreaterThan(1);
    expect(Math.max(...inFlight)).toBeLessThanOrEqual(10);
    const call = (n: number) => parallel?.calls.find((made) => made.n === n)?.args;
    for (const n of [1, 5, 10]) expect(call(n)).toEqual({ event: `event ${String(n - 1)}` });
  });

  it('share the limit of their workflow: four handlers have two each', async () => {
    await useHandlers(system, {});
    inFlight.length = 0;
    const body = `${ten} await Promise.all(numbers.map((n) => helpers.addConversationEvent('event ' + n))); return 'done';`;
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) await system.push(name, typescript(body), { language: 'typescript' });
    const executions = await system.run();
    for (const name of names)
      expect(executions[name]).toMatchObject({ status: 'succeeded', attempts: 1, result: 'done' });
    expect(Math.max(...inFlight)).toBeLessThanOrEqual(8);
  });

  it('are answered from the record by a retry, each by its own number', async () => {
    await useHandlers(system, {});
    const body = `${ten}
      const answers = await Promise.all(numbers.map((n) => helpers.setConversationMetadata('k' + n, String(n))));
      if (context.args.attempt === 1) throw new Error('once');
      return [answers.map(({ value }: any) => value), Math.random()];`;
    await system.push('retried', typescript(body), { language: 'typescript', settings: { attempts: 2 } });
    const { retried } = await system.run();
    expect(retried).toMatchObject({ status: 'succeeded', attempts: 2 });
    expect(retried?.result).toMatchObject([['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'], expect.any(Number)]);
    expect(retried?.calls).toHaveLength(10);
    expect(
      retried?.calls.every(({ attempt, lastAttempt, drift }) => attempt === 1 && lastAttempt === 2 && drift === null),
    ).toBe(true);
  });
});

describe('a handler whose language changes', () => {
  it('runs each version in the language it was written in', async () => {
    await useHandlers(system, {});
    await system.push('moves', 'def handle_event(context):\n    return "python"\n');
    expect((await system.run()).moves?.result).toBe('python');
    await system.push('moves', typescript("return 'typescript';"), { language: 'typescript' });
    expect((await system.run()).moves?.result).toBe('typescript');
    expect((await listHandlerVersions(system.store.db, organization, 'moves')).map(({ language }) => language)).toEqual(
      ['typescript', 'python'],
    );
    expect(await rollbackHandler(system.store.db, organization, 'moves', 1)).toMatchObject({ language: 'python' });
    expect((await system.run()).moves?.result).toBe('python');
    expect(await getHandler(system.store.db, organization, 'moves')).toMatchObject({ language: 'python' });
  });

  it('refuses a tool in TypeScript', async () => {
    const settings = { tool: 'OrderStatus' };
    const pushed = system.push('tool', typescript(''), { language: 'typescript', settings });
    await expect(pushed).rejects.toMatchObject({ code: 'invalid_handler', fields: [{ field: 'settings.tool' }] });
  });
});

/** One event for each point, one kill for all: what is missed of a lost worker is missed once. */
describe('a worker killed in the middle of a handler', () => {
  const points = ['intent:after', 'helper:recorded', 'answer:read'] as const;
  const workflowOf = (point: string) => workflowIdOf(organization, 'default', `killed at ${point}`);
  const workers: SpawnedWorker[] = [];
  let killed: TestSystem;

  beforeAll(async () => {
    killed = await startSystem({ withoutWorkers: true });
    const body = `console.log('before');
      const tag = 'seen ' + context.conversation.publicId;
      const [first, second] = await Promise.all([helpers.addConversationTag(tag), helpers.addConversationEvent('two')]);
      console.log('after');
      return [first.success, second.success, (await helpers.addConversationEvent('three')).success];`;
    await killed.push('calls', typescript(body), { language: 'typescript' });
    for (const point of points) await killed.client.publish(closedEvent({ id: `killed at ${point}` }));
    const stops = points.map((point) => {
      return { workflowId: workflowOf(point), point, call: 'add_conversation_event/2' };
    });
    const first = await SpawnedWorker.start(killed, { stops });
    workers.push(first);
    const atTheirPoints = points.map(workflowOf).sort();
    await vi.waitFor(() => expect([...first.frozen].sort()).toEqual(atTheirPoints), { timeout: 45_000, interval: 50 });
    await first.kill();
    workers.push(await SpawnedWorker.start(killed, {}));
  }, 150_000);

  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await killed.stop();
  });

  it.each(points)(
    'at %s: every effect once, all calls replayed',
    async (point) => {
      const workflowId = workflowOf(point);
      await killed.client.result(workflowId);
      const { calls: execution } = await killed.executionsOf(workflowId);
      expect(execution).toMatchObject({ status: 'succeeded', result: [true, true, true], stdout: 'before\nafter\n' });
      expect(execution?.attemptLog.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
      const { tags, timeline } = await getConversation(killed.store.db, organization, execution?.conversationId ?? '');
      expect(tags).toHaveLength(1);
      expect(timeline.map(({ description }) => description).sort()).toEqual(['three', 'two']);
    },
    120_000,
  );
});
