import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/activities/checkpoint.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { eventStarterOf, eventually, handler, startWorkersFor, useHandlers } from './spine-system.ts';

const nothing: Checkpoint = () => Promise.resolve();

let checkpoint = nothing;
let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ handlerSlots: 2, checkpoint: (...reached) => checkpoint(...reached) });
});
beforeEach(() => {
  checkpoint = nothing;
});
afterAll(() => system.stop());

const hangs = handler('print("begun", flush=True)\ntime.sleep(600)');

async function statusesOf(workflowId: string): Promise<string[]> {
  return Object.values(await system.executionsOf(workflowId)).map(({ status }) => status);
}

async function publish(): Promise<{ workflowId: string; conversationId: string }> {
  const event = closedEvent();
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  const { workflowId } = await system.client.publish(event);
  return { workflowId, conversationId: event.conversation.id };
}

async function cancelled(workflowId: string): Promise<void> {
  await expect(system.client.result(workflowId)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
}

describe('cancelling an event', () => {
  it('kills what runs within seconds and ends what waits, in child workflows too', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `hangs-${String(index + 1).padStart(2, '0')}`);
    await useHandlers(system, Object.fromEntries(names.map((name) => [name, hangs])));
    const { workflowId } = await publish();
    await eventually(async () => {
      const ran = Object.values(await system.executionsOf(workflowId));
      expect(ran.filter(({ stdout }) => stdout === 'begun\n')).toHaveLength(2);
      await system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`).describe();
    });
    const asked = performance.now();
    await system.client.cancel(workflowId);
    await cancelled(workflowId);
    expect(performance.now() - asked).toBeLessThan(15_000);

    const ran = Object.values(await system.executionsOf(workflowId));
    expect(ran).toHaveLength(12);
    for (const execution of ran) {
      expect(execution).toMatchObject({ status: 'cancelled', reason: null, error: null, result: null });
      expect(execution.finishedAt).not.toBeNull();
    }
    // Two, and what took their places on the worker before the news came to its own workflow.
    const begun = ran.filter(({ stdout }) => stdout === 'begun\n');
    expect(begun.length).toBeGreaterThanOrEqual(2);
    for (const { attemptLog } of begun) expect(attemptLog).toMatchObject([{ attempt: 1, outcome: 'cancelled' }]);
    // One that waited for a place on the worker may have been told there: recorded, and nothing of it was run.
    for (const { stdout, attemptLog } of ran.filter((execution) => !begun.includes(execution))) {
      expect(stdout).toBe('');
      expect(['[]', '["cancelled"]']).toContain(JSON.stringify(attemptLog.map(({ outcome }) => outcome)));
    }
    const { typedSearchAttributes } = await system.client.describe(workflowId);
    expect(JSON.stringify(typedSearchAttributes)).toContain('"cancelled"');
  });

  it('leaves what had succeeded as it was', async () => {
    await useHandlers(system, { hangs, quick: handler('return 1') });
    const { workflowId } = await publish();
    await eventually(async () => expect((await statusesOf(workflowId)).sort()).toEqual(['running', 'succeeded']));
    await system.client.cancel(workflowId);
    await cancelled(workflowId);
    expect(await system.executionsOf(workflowId)).toMatchObject({
      hangs: { status: 'cancelled' },
      quick: { status: 'succeeded', result: 1 },
    });
  });

  it('lets a call in flight finish and records it, with its effect', async () => {
    await useHandlers(system, { calls: handler('add_conversation_tag(context, "in flight")\ntime.sleep(600)') });
    const { conversationId, workflowId } = await publish();
    await new Promise<void>((resolve, reject) => {
      checkpoint = async (name) => {
        if (name !== 'helper:before') return;
        await system.client.cancel(workflowId).then(resolve, reject);
        // The cage is gone by now, and with it everybody who waited for the answer.
        await eventually(async () => {
          const { calls } = await system.executionsOf(workflowId);
          expect(calls?.status).toBe('cancelled');
        });
      };
    });
    await cancelled(workflowId);
    expect(await system.executionsOf(workflowId)).toMatchObject({
      calls: { status: 'cancelled', calls: [{ name: 'add_conversation_tag', state: 'succeeded' }] },
    });
    const conversation = await getConversation(system.store.db, organization, conversationId);
    expect(conversation.tags).toEqual(['in flight']);
  });

  it('refuses new calls: none has an effect, and no handler survives by catching the refusal', async () => {
    const code = handler(`
while True:
    try:
        add_conversation_event(context, "again")
    except BaseException as error:
        print("refused", error)
    time.sleep(0.02)`);
    await useHandlers(system, { insists: { code, attempts: 1 } });
    const { conversationId, workflowId } = await publish();
    await eventually(async () => {
      const { insists } = await system.executionsOf(workflowId);
      expect(insists?.calls.length).toBeGreaterThan(3);
    });
    await system.client.cancel(workflowId);
    await cancelled(workflowId);
    const { insists } = await system.executionsOf(workflowId);
    expect(insists).toMatchObject({ status: 'cancelled', reason: null, attempts: 1, stdout: '' });
    const calls = insists?.calls ?? [];
    const answered = calls.filter(({ state }) => state === 'succeeded');
    const conversation = await getConversation(system.store.db, organization, conversationId);
    expect(conversation.timeline).toHaveLength(answered.length);
    for (const call of calls.slice(answered.length)) {
      expect(call).toMatchObject({ state: 'transient', error: { code: 'run_cancelled' } });
    }
    expect(calls.length - answered.length).toBeLessThanOrEqual(1);
  });

  it('ends a handler that waits for its next attempt, without the failure of the one before', async () => {
    await useHandlers(system, { raises: { code: handler('raise ValueError("no")'), attempts: 10 } });
    const { workflowId } = await publish();
    await eventually(async () => {
      const { raises } = await system.executionsOf(workflowId);
      expect(raises?.attemptLog.filter(({ outcome }) => outcome === 'failed').length).toBeGreaterThanOrEqual(2);
    });
    await system.client.cancel(workflowId);
    await cancelled(workflowId);
    const { raises } = await system.executionsOf(workflowId);
    expect(raises).toMatchObject({ status: 'cancelled', reason: null, error: null });
    expect(raises?.attemptLog[0]).toMatchObject({ outcome: 'failed', error: { message: 'no' } });
  });
});

it('a group of handlers whose own workflow is terminated by an operator is settled, and the others go on', async () => {
  const names = Array.from({ length: 11 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
  const others = names.slice(0, 10).map((name) => [name, handler('return 1')] as const);
  await useHandlers(system, { ...Object.fromEntries(others), h11: hangs });
  const { workflowId } = await publish();
  await eventually(async () =>
    expect(await system.executionsOf(workflowId)).toMatchObject({ h11: { stdout: 'begun\n' } }),
  );
  await system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`).terminate();
  expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
  expect(await system.executionsOf(workflowId)).toMatchObject({
    h01: { status: 'succeeded' },
    h10: { status: 'succeeded' },
    h11: { status: 'failed', reason: 'worker_lost' },
  });
});

describe('cancelling an event before a worker has seen it', () => {
  let idle: TestSystem;
  beforeAll(async () => {
    idle = await startSystem({ withoutWorkers: true });
  });
  afterAll(() => idle.stop());

  it('ends all of its handlers, those of child workflows that never began too', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `waits-${String(index + 1)}`);
    await useHandlers(idle, Object.fromEntries(names.map((name) => [name, handler('return 1')])));
    const input = ConversationEventInput.parse(closedEvent());
    const accepted = await acceptEvent(idle.store.db, organization, input);
    await eventStarterOf(idle)({ ...accepted, organizationId: organization });
    await idle.client.cancel(accepted.workflowId);
    const workers = await startWorkersFor(idle);
    try {
      await expect(idle.client.result(accepted.workflowId)).rejects.toMatchObject({
        cause: { name: 'CancelledFailure' },
      });
      const ran = Object.values(await idle.executionsOf(accepted.workflowId));
      expect(ran.map(({ status, attempts }) => [status, attempts])).toEqual(names.map(() => ['cancelled', 0]));
    } finally {
      await workers.stop();
    }
  });
});
