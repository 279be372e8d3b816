import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/activities/checkpoint.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { connectTemporal } from '../../src/temporal/connection.ts';
import { currentState } from '../../src/workflows/signals-and-updates.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { eventStarterOf, eventually, handler, startWorkersFor, useHandlers } from './spine-system.ts';

const hangs = handler('print("begun", flush=True)\ntime.sleep(600)');
const runs = handler('return "ran"');
const slots = 4;

let checkpoint: Checkpoint = () => Promise.resolve();
let system: TestSystem;
let api: TestApi;
beforeAll(async () => {
  system = await startSystem({ handlerSlots: slots, checkpoint: (...reached) => checkpoint(...reached) });
  api = await startApi(system);
});
beforeEach(() => {
  checkpoint = () => Promise.resolve();
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});

async function publish(event: EventInput = closedEvent()): Promise<{ id: string; workflowId: string }> {
  const answer = await api.request('POST', '/conversation-events', event);
  expect(answer).toMatchObject({ status: 202 });
  return answer.body as { id: string; workflowId: string };
}

const executionOf = async (workflowId: string, name: string) => {
  const execution = (await system.executionsOf(workflowId))[name];
  if (execution === undefined) throw new Error(`no execution of ${name}`);
  return execution;
};
const cancel = (id: string) => api.request('POST', `/executions/${id}/cancel`);
const cancelEvent = (id: string) => api.request('POST', `/conversation-events/${id}/cancel`);
const workflow = (id: string) => system.temporal.client.workflow.getHandle(id);
const begun = (workflowId: string, name: string) =>
  eventually(async () => expect(await executionOf(workflowId, name)).toMatchObject({ stdout: 'begun\n' }));

async function acceptedAlone(of: TestSystem) {
  const accepted = await acceptEvent(of.store.db, organization, ConversationEventInput.parse(closedEvent()));
  const { executions } = accepted;
  return { ...accepted, organizationId: organization, ids: executions.map(({ executionId }) => executionId) };
}

describe('cancelling one execution', () => {
  it('ends one that waits for its time, and its event with it', async () => {
    await useHandlers(system, { later: { code: runs, delaySeconds: 600 }, now: runs });
    const { workflowId } = await publish();
    const { id } = await executionOf(workflowId, 'later');
    expect(await cancel(id)).toMatchObject({ status: 202, body: { id } });
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    expect(await system.executionsOf(workflowId)).toMatchObject({
      later: { status: 'cancelled', reason: null, error: null, attempts: 0 },
      now: { status: 'succeeded' },
    });
  });

  it('ends one that waits for a worker', async () => {
    const names = Array.from({ length: slots + 1 }, (_, index) => `h${String(index)}`);
    await useHandlers(system, Object.fromEntries(names.map((name) => [name, hangs])));
    const { id, workflowId } = await publish();
    const waiting = await eventually(async () => {
      const ran = Object.values(await system.executionsOf(workflowId));
      expect(ran.filter(({ stdout }) => stdout === 'begun\n')).toHaveLength(slots);
      return ran.filter(({ status }) => status === 'waiting');
    });
    expect(waiting).toHaveLength(1);
    expect((await cancel(waiting[0]?.id ?? '')).status).toBe(202);
    await eventually(async () => {
      const statuses = Object.values(await system.executionsOf(workflowId)).map(({ status }) => status);
      expect(statuses.sort()).toEqual(['cancelled', ...Array.from({ length: slots }, () => 'running')]);
    });
    expect(await cancelEvent(id)).toMatchObject({ status: 202, body: { id, status: 'running' } });
    await expect(system.client.result(workflowId)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  });

  it('kills one that runs; its neighbour goes on, calls included', async () => {
    const calling = handler(`
while get_conversation_metadata(context, "go") is None:
    time.sleep(0.1)
add_conversation_tag(context, "after")
return "ran"`);
    await useHandlers(system, { calling, hangs });
    const event = closedEvent();
    const { workflowId } = await publish(event);
    await begun(workflowId, 'hangs');
    const { id } = await executionOf(workflowId, 'hangs');
    expect((await cancel(id)).status).toBe(202);
    await eventually(async () => expect(await executionOf(workflowId, 'hangs')).toMatchObject({ status: 'cancelled' }));
    // Temporal hears of it a moment after the store.
    await eventually(async () =>
      expect(await workflow(workflowId).query(currentState)).toMatchObject({
        executions: [{ status: 'running' }, { status: 'cancelled' }],
      }),
    );
    const { conversationId } = await executionOf(workflowId, 'calling');
    await system.store.db
      .insertInto('conversation_metadata')
      .values({
        organization_id: organization,
        conversation_id: conversationId ?? '',
        key: 'go',
        value: '1',
        updated_at: new Date(),
      })
      .execute();
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    expect(await executionOf(workflowId, 'calling')).toMatchObject({ status: 'succeeded', result: 'ran' });
    expect(await executionOf(workflowId, 'hangs')).toMatchObject({
      stdout: 'begun\n',
      attemptLog: [{ attempt: 1, outcome: 'cancelled' }],
    });
  });

  it('lets a call in flight finish and records it; no other is made', async () => {
    const code = handler('add_conversation_tag(context, "in flight")\nadd_conversation_tag(context, "never")');
    await useHandlers(system, { calls: code });
    const { workflowId } = await publish();
    await new Promise<void>((resolve, reject) => {
      checkpoint = async (name) => {
        if (name !== 'helper:before') return;
        const { id } = await executionOf(workflowId, 'calls');
        await cancel(id).then(() => {
          resolve();
        }, reject);
        await eventually(async () =>
          expect(await executionOf(workflowId, 'calls')).toMatchObject({ status: 'cancelled' }),
        );
      };
    });
    await system.client.result(workflowId);
    const { calls, conversationId } = await executionOf(workflowId, 'calls');
    expect(calls).toMatchObject([{ name: 'add_conversation_tag', state: 'succeeded' }]);
    const conversation = await getConversation(system.store.db, organization, conversationId ?? '');
    expect(conversation.tags).toEqual(['in flight']);
  });

  it('refuses new calls of it, and of no other', async () => {
    const insists = handler(`
while True:
    try:
        add_conversation_event(context, "again")
    except BaseException as error:
        print("refused", error)
    time.sleep(0.02)`);
    await useHandlers(system, { insists: { code: insists, attempts: 1 } });
    const { workflowId } = await publish();
    await eventually(async () => expect((await executionOf(workflowId, 'insists')).calls.length).toBeGreaterThan(3));
    await cancel((await executionOf(workflowId, 'insists')).id);
    await system.client.result(workflowId);
    const { status, calls, stdout, conversationId } = await executionOf(workflowId, 'insists');
    expect({ status, stdout }).toEqual({ status: 'cancelled', stdout: '' });
    const refused = calls.filter(({ state }) => state !== 'succeeded');
    // Where the attempt ended before it heard of the refusal, the call is left as it was written down.
    expect(refused.filter(({ state }) => state !== 'transient' && state !== 'intent')).toEqual([]);
    expect(refused.length).toBeLessThanOrEqual(1);
    const conversation = await getConversation(system.store.db, organization, conversationId ?? '');
    expect(conversation.timeline).toHaveLength(calls.length - refused.length);
  });

  it('finds it in a group of its own', async () => {
    const names = Array.from({ length: 11 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
    const others = names.slice(0, 10).map((name) => [name, runs] as const);
    await useHandlers(system, { ...Object.fromEntries(others), h11: hangs });
    const { workflowId } = await publish();
    await begun(workflowId, 'h11');
    expect((await cancel((await executionOf(workflowId, 'h11')).id)).status).toBe(202);
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    const statuses = Object.values(await system.executionsOf(workflowId)).map(({ status }) => status);
    expect(statuses.sort()).toEqual(['cancelled', ...others.map(() => 'succeeded')]);
  });

  it('ends a test run', async () => {
    const { id: eventId } = await publish(closedEvent({ type: 'conversation_handed_off' }));
    const event = await api.request('GET', `/conversation-events/${eventId}`);
    const { conversationId: conversation } = event.body as { conversationId: string };
    const test = { conversation, code: hangs, eventType: 'conversation_closed', waitSeconds: 0 };
    const { id } = (await api.request('POST', '/test-runs', test)).body as { id: string };
    await eventually(async () =>
      expect(await api.request('GET', `/executions/${id}`)).toMatchObject({ body: { stdout: 'begun\n' } }),
    );
    expect((await cancel(id)).status).toBe(202);
    await eventually(async () =>
      expect(await api.request('GET', `/executions/${id}`)).toMatchObject({ body: { status: 'cancelled' } }),
    );
  });

  it('says how it ended where that was before, and knows no other organisation’s', async () => {
    await useHandlers(system, { runs });
    const { id: event, workflowId } = await publish();
    await system.client.result(workflowId);
    const { id } = await executionOf(workflowId, 'runs');
    const ended = await cancel(id);
    expect(ended).toMatchObject({ status: 409, body: { code: 'execution_ended' } });
    expect(ended.body).toHaveProperty('detail', expect.stringContaining('has ended as succeeded'));
    expect(await cancelEvent(event)).toMatchObject({ status: 409, body: { code: 'execution_ended' } });
    for (const unknown of [randomUUID(), 'nothing']) {
      expect(await cancel(unknown)).toMatchObject({ status: 404, body: { code: 'execution_not_found' } });
      expect(await cancelEvent(unknown)).toMatchObject({ status: 404, body: { code: 'event_not_found' } });
    }
  });
});

describe('what no workflow runs', () => {
  it('is ended in the store: its workflow was terminated by hand', async () => {
    await useHandlers(system, { later: { code: runs, delaySeconds: 600 }, other: { code: runs, delaySeconds: 600 } });
    const { id: event, workflowId } = await publish();
    await eventually(() => workflow(workflowId).query(currentState));
    await workflow(workflowId).terminate();
    const { id } = await executionOf(workflowId, 'later');
    expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    expect(await cancel(id)).toMatchObject({ status: 409 });
    expect(await executionOf(workflowId, 'other')).toMatchObject({ status: 'waiting' });
    expect(await cancelEvent(event)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
  });

  it('stays ended when its workflow is started after all', async () => {
    await useHandlers(system, { a: runs, b: runs, c: { code: runs, delaySeconds: 600 } });
    const accepted = await acceptedAlone(system);
    const [a = '', , c = ''] = accepted.ids;
    for (const id of [a, c]) expect(await cancel(id)).toMatchObject({ status: 200, body: { status: 'cancelled' } });
    await eventStarterOf(system)(accepted);
    expect(await system.client.result(accepted.workflowId)).toMatchObject({
      status: 'partly',
      executions: [{ status: 'cancelled' }, { status: 'succeeded' }, { status: 'cancelled' }],
    });
  });

  it('is left as it is while Temporal is away, with a clear answer', async () => {
    await useHandlers(system, { later: { code: runs, delaySeconds: 600 } });
    const { id: event, workflowId } = await publish();
    const { id } = await executionOf(workflowId, 'later');
    const nowhere = connectTemporal({ address: '127.0.0.1:1' });
    const cutOff = await startApi({ ...system, temporal: nowhere });
    try {
      for (const path of [`/executions/${id}/cancel`, `/conversation-events/${event}/cancel`]) {
        const answer = await cutOff.request('POST', path);
        expect(answer).toMatchObject({ status: 503, body: { code: 'temporal_unavailable' } });
      }
    } finally {
      await cutOff.stop();
      await nowhere.close();
    }
    expect(await executionOf(workflowId, 'later')).toMatchObject({ status: 'waiting' });
    await cancelEvent(event);
  });
});

describe('cancelling before a worker has seen the event', () => {
  let idle: TestSystem;
  let idleApi: TestApi;
  beforeAll(async () => {
    idle = await startSystem({ withoutWorkers: true });
    idleApi = await startApi(idle);
  });
  afterAll(async () => {
    await idleApi.stop();
    await idle.stop();
  });

  it('ends those that were named, in child workflows that never began too, and runs the others', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
    await useHandlers(idle, Object.fromEntries(names.map((name) => [name, runs])));
    const accepted = await acceptedAlone(idle);
    await eventStarterOf(idle)(accepted);
    const named = [accepted.ids[0] ?? '', accepted.ids[11] ?? ''];
    for (const id of named) {
      expect(await idleApi.request('POST', `/executions/${id}/cancel`)).toMatchObject({ status: 202 });
    }
    const workers = await startWorkersFor(idle);
    try {
      expect(await idle.client.result(accepted.workflowId)).toMatchObject({ status: 'partly' });
      const ran = Object.values(await idle.executionsOf(accepted.workflowId));
      expect(
        ran
          .filter(({ status }) => status === 'cancelled')
          .map(({ id }) => id)
          .sort(),
      ).toEqual(named.sort());
      expect(ran.filter(({ status }) => status === 'succeeded')).toHaveLength(10);
    } finally {
      await workers.stop();
    }
  });
});
