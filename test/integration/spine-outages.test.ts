import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { getConversation } from '../../src/store/conversations.ts';
import { openStore, type Store } from '../../src/store/database.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { linkTo, type BreakableLink } from './breakable-link.ts';
import { eventually, handler, startWorkersFor, useHandlers, type RunningWorkers } from './spine-system.ts';

/** The workers' way to the store; the test itself reads the store directly. */
let link: BreakableLink;
let system: TestSystem;
let workersStore: Store;
let workers: RunningWorkers;
beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
  const url = new URL(system.databaseUrl);
  link = await linkTo({ host: url.hostname, port: Number(url.port) });
  url.port = String(link.port);
  workersStore = await openStore({ databaseUrl: url.href, embeddedFolder: '' });
  workers = await startWorkersFor({ ...system, store: workersStore });
});
afterEach(() => link.mend());
afterAll(async () => {
  await workers.stop();
  await workersStore.close();
  await link.break();
  await system.stop();
});

async function publish() {
  const event = closedEvent();
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  const { workflowId } = await system.client.publish(event);
  return { workflowId, conversationId: event.conversation.id };
}

async function eventsOf(conversationId: string): Promise<(string | null)[]> {
  const { timeline } = await getConversation(system.store.db, organization, conversationId);
  return timeline.map(({ description }) => description).sort();
}

const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1_000));

describe('while the store is away', () => {
  it('a handler that only works and prints goes on, and none of its output is lost', async () => {
    const code = handler(`
for n in range(30):
    print("line", n, flush=True)
    time.sleep(0.1)
return "done"`);
    await useHandlers(system, { prints: { code, attempts: 1 } });
    const { workflowId } = await publish();
    await eventually(async () => {
      expect((await system.executionsOf(workflowId)).prints?.stdout).toContain('line 3\n');
    });
    await link.break();
    await seconds(1);
    await link.mend();
    await system.client.result(workflowId);
    const { prints } = await system.executionsOf(workflowId);
    expect(prints).toMatchObject({ status: 'succeeded', attempts: 1, result: 'done' });
    expect(prints?.stdout).toBe(Array.from({ length: 30 }, (_, n) => `line ${String(n)}\n`).join(''));
  });

  it('a handler that calls helpers comes to its end, each of its effects made once, no attempt of its own lost', async () => {
    const code = handler(`
for n in range(20):
    add_conversation_event(context, "event " + str(n).zfill(2))
    time.sleep(0.05)
return "done"`);
    await useHandlers(system, { calls: { code, attempts: 1 } });
    const { workflowId, conversationId } = await publish();
    for (const reached of ['event 03', 'event 10']) {
      await eventually(async () => {
        expect(await eventsOf(conversationId)).toContain(reached);
      });
      await link.break();
      await seconds(0.5);
      await link.mend();
    }
    await system.client.result(workflowId);
    const { calls } = await system.executionsOf(workflowId);
    expect(calls).toMatchObject({ status: 'succeeded', result: 'done' });
    expect(await eventsOf(conversationId)).toEqual(
      Array.from({ length: 20 }, (_, n) => `event ${String(n).padStart(2, '0')}`),
    );
    expect(calls?.attemptLog.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'lost')).toEqual([
      'succeeded',
    ]);
  });

  it('a handler that ends just then ends as it did, its effects made once', async () => {
    const code = handler('add_conversation_event(context, "once")\ntime.sleep(0.7)\nreturn "done"');
    await useHandlers(system, { ends: { code, attempts: 1 } });
    const { workflowId, conversationId } = await publish();
    await eventually(async () => {
      expect(await eventsOf(conversationId)).toEqual(['once']);
    });
    await link.break();
    await seconds(1.5);
    await link.mend();
    await system.client.result(workflowId);
    expect(await system.executionsOf(workflowId)).toMatchObject({ ends: { status: 'succeeded', result: 'done' } });
    expect(await eventsOf(conversationId)).toEqual(['once']);
  });

  it('an event that is published waits for it, and runs once when it is back', async () => {
    await useHandlers(system, { marks: handler('add_conversation_event(context, "ran")') });
    await link.break();
    const { workflowId, conversationId } = await publish();
    await seconds(1);
    await link.mend();
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    expect(await system.executionsOf(workflowId)).toMatchObject({ marks: { attempts: 1 } });
    expect(await eventsOf(conversationId)).toEqual(['ran']);
  });
});
