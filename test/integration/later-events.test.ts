import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../src/activities/checkpoint.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { setHandlerEnabled } from '../../src/store/handlers.ts';
import { currentState } from '../../src/workflows/signals-and-updates.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';
import { eventStarterOf, eventually, handler, startWorkersFor, useHandlers } from './spine-system.ts';

const aWeek = 7 * 24 * 60 * 60;
const runs = handler('return "ran"');
/** Ten minutes after it closed, unless it was reopened; here it may take days. */
const unlessReopened = { code: runs, delaySeconds: aWeek, cancelOn: ['conversation_reopened' as const] };

/** A workflow task that was lost with its worker is missed after 10 s. */
const lostWorkers = { timeout: 90_000 };

let checkpoint: Checkpoint = () => Promise.resolve();
let system: TestSystem;
let api: TestApi;
beforeAll(async () => {
  system = await startSystem({ handlerSlots: 1, checkpoint: (...reached) => checkpoint(...reached) });
  api = await startApi(system);
});
beforeEach(() => {
  checkpoint = () => Promise.resolve();
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});

async function publish(event: EventInput): Promise<{ id: string; workflowId: string }> {
  const answer = await api.request('POST', '/conversation-events', event);
  expect(answer).toMatchObject({ status: 202 });
  return answer.body as { id: string; workflowId: string };
}

/** The store's part alone: nothing starts, nobody is told. */
const accept = (event: EventInput) => acceptEvent(system.store.db, organization, ConversationEventInput.parse(event));

async function start(accepted: Awaited<ReturnType<typeof accept>>): Promise<void> {
  await eventStarterOf(system)({ ...accepted, organizationId: organization });
}

function conversationOf(event: EventInput): string {
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  return event.conversation.id;
}

function reopened(closed: EventInput, more: Partial<EventInput> = {}): EventInput {
  const type = 'conversation_reopened';
  return { id: `reopened-${randomUUID()}`, type, conversationId: conversationOf(closed), ...more };
}

const statusOf = async (workflowId: string, name: string) => (await system.executionsOf(workflowId))[name];

async function cancelledBy(workflowId: string, name: string, event: EventInput): Promise<void> {
  await system.client.result(workflowId);
  expect(await statusOf(workflowId, name)).toMatchObject({
    status: 'cancelled',
    reason: null,
    attempts: 0,
    error: { type: 'Cancelled', message: expect.stringContaining(`${event.type} (event "${String(event.id)}")`) },
  });
}

describe('a handler with a delay', () => {
  it('waits for its time, visibly, without holding a slot, and runs then', async () => {
    await useHandlers(system, { soon: { code: runs, delaySeconds: 3 }, now: runs });
    const { id, workflowId } = await publish(closedEvent());
    await eventually(async () => expect(await statusOf(workflowId, 'now')).toMatchObject({ status: 'succeeded' }));
    const waiting = await statusOf(workflowId, 'soon');
    expect(waiting).toMatchObject({ status: 'waiting', attempts: 0, startedAt: null });
    const event = await api.request('GET', `/conversation-events/${id}`);
    expect(event.body).toMatchObject({ status: 'running', claimed: true });
    const queuedMs = Date.parse(waiting?.queuedAt ?? '');
    expect(Date.parse(waiting?.runsAt ?? '') - queuedMs).toBe(3_000);
    const state = await system.temporal.client.workflow.getHandle(workflowId).query(currentState);
    expect(state).toMatchObject({ status: 'running', executions: [{ status: 'succeeded' }, { status: 'waiting' }] });

    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    const ran = await statusOf(workflowId, 'soon');
    expect(ran).toMatchObject({ status: 'succeeded', result: 'ran', attempts: 1 });
    expect(Date.parse(ran?.startedAt ?? '')).toBeGreaterThanOrEqual(queuedMs + 3_000);
    expect(ran?.queueMs).toBeLessThan(2_500);
    const described = await system.client.describe(workflowId);
    expect(JSON.stringify(described.typedSearchAttributes)).toContain('"succeeded"');
  });

  it(
    'waits for the direct client too, in a group of its own as well, over the loss of its workers',
    lostWorkers,
    async () => {
      const lonely = await startSystem({ withoutWorkers: true });
      try {
        const names = Array.from({ length: 12 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
        await useHandlers(lonely, Object.fromEntries(names.map((name) => [name, { code: runs, delaySeconds: 4 }])));
        const first = await SpawnedWorker.start(lonely);
        const { workflowId } = await lonely.client.publish(closedEvent());
        await eventually(async () => {
          const group = lonely.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`);
          expect(await group.query(currentState)).toMatchObject({
            executions: [{ status: 'waiting' }, { status: 'waiting' }],
          });
        });
        await first.kill();
        const second = await startWorkersFor(lonely);
        try {
          expect(await lonely.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
          const ran = Object.values(await lonely.executionsOf(workflowId));
          expect(ran).toHaveLength(12);
          for (const { status, startedAt, runsAt } of ran) {
            expect(status).toBe('succeeded');
            expect(Date.parse(startedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(runsAt ?? ''));
          }
        } finally {
          await second.stop();
        }
      } finally {
        await lonely.stop();
      }
    },
  );

  it('is cancelled at once with its event', async () => {
    await useHandlers(system, { later: unlessReopened });
    const { workflowId } = await publish(closedEvent());
    await eventually(async () => {
      const state = await system.temporal.client.workflow.getHandle(workflowId).query(currentState);
      expect(state).toMatchObject({ executions: [{ status: 'waiting' }] });
    });
    await system.client.cancel(workflowId);
    await expect(system.client.result(workflowId)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await statusOf(workflowId, 'later')).toMatchObject({ status: 'cancelled', error: null, attempts: 0 });
  });

  it('does not run where it was switched off meanwhile', async () => {
    await useHandlers(system, { off: { code: runs, delaySeconds: 2 }, 'off-and-on': { code: runs, delaySeconds: 2 } });
    const { workflowId } = await publish(closedEvent());
    const { db } = system.store;
    for (const name of ['off', 'off-and-on']) await setHandlerEnabled(db, organization, name, false);
    await setHandlerEnabled(db, organization, 'off-and-on', true);
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    expect(await system.executionsOf(workflowId)).toMatchObject({
      off: { status: 'cancelled', error: { type: 'Cancelled', message: expect.stringContaining('switched off') } },
      'off-and-on': { status: 'succeeded' },
    });
  });
});

describe('a later event that cancels', () => {
  it('ends a handler that would wait for days, as soon as the API has taken it', async () => {
    await useHandlers(system, { later: unlessReopened, always: { code: runs, delaySeconds: 1 } });
    const closed = closedEvent();
    const { workflowId } = await publish(closed);
    await eventually(async () => expect(await statusOf(workflowId, 'always')).toMatchObject({ status: 'succeeded' }));
    const reopening = reopened(closed);
    await publish(reopening);
    await cancelledBy(workflowId, 'later', reopening);
    const state = await system.temporal.client.workflow.getHandle(workflowId).query(currentState);
    expect(state).toMatchObject({ status: 'partly', changes: [{ type: 'conversation_reopened' }] });
  });

  it('does so when it comes straight through Temporal', async () => {
    await useHandlers(system, { later: unlessReopened });
    const closed = closedEvent();
    const { workflowId } = await system.client.publish(closed);
    await eventually(async () => expect(await statusOf(workflowId, 'later')).toMatchObject({ status: 'waiting' }));
    const reopening = reopened(closed);
    await system.client.publish(reopening);
    await cancelledBy(workflowId, 'later', reopening);
  });

  it('does so in a group of its own, and touches no other conversation', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
    await useHandlers(system, Object.fromEntries(names.map((name) => [name, unlessReopened])));
    const closed = closedEvent();
    const [one, other] = [await publish(closed), await publish(closedEvent())];
    await publish(reopened(closed));
    expect(await system.client.result(one.workflowId)).toMatchObject({ status: 'cancelled' });
    const left = Object.values(await system.executionsOf(other.workflowId));
    expect(left.map(({ status }) => status)).toEqual(names.map(() => 'waiting'));
    await system.client.cancel(other.workflowId);
  });

  it('cancels although nobody was told of it: the timer asks', async () => {
    await useHandlers(system, { later: { ...unlessReopened, delaySeconds: 2 } });
    const closed = closedEvent();
    const { workflowId } = await publish(closed);
    await eventually(async () => {
      const state = await system.temporal.client.workflow.getHandle(workflowId).query(currentState);
      expect(state).toMatchObject({ executions: [{ status: 'waiting' }] });
    });
    const reopening = reopened(closed);
    await accept(reopening);
    await cancelledBy(workflowId, 'later', reopening);
  });

  it('cancels when it came before the timer was there', async () => {
    await useHandlers(system, { later: unlessReopened });
    const closed = closedEvent();
    const accepted = await accept(closed);
    const reopening = reopened(closed);
    await accept(reopening);
    await start(accepted);
    await cancelledBy(accepted.workflowId, 'later', reopening);
  });

  it('cancels when it is received first and occurred later', async () => {
    await useHandlers(system, { later: unlessReopened });
    const closed = closedEvent({ occurredAt: '2026-01-05T10:00:00.000Z' });
    await accept({ ...closed, id: randomUUID(), type: 'conversation_handed_off' });
    const reopening = reopened(closed, { occurredAt: '2026-01-05T10:00:00.001Z' });
    await publish(reopening);
    const { workflowId } = await publish(closed);
    await cancelledBy(workflowId, 'later', reopening);
  });

  it('changes nothing when it occurred before the event, though it is received later', async () => {
    await useHandlers(system, { later: { ...unlessReopened, delaySeconds: 1 } });
    const closed = closedEvent({ occurredAt: '2026-01-05T10:00:00.001Z' });
    const { workflowId } = await publish(closed);
    await publish(reopened(closed, { occurredAt: '2026-01-05T10:00:00.000Z' }));
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
  });

  it('of the same millisecond counts as later when it is received later, and only then', async () => {
    await useHandlers(system, { later: { ...unlessReopened, delaySeconds: 1 } });
    const occurredAt = '2026-01-05T10:00:00.000Z';
    const closed = closedEvent({ occurredAt });
    const { workflowId } = await publish(closed);
    const reopening = reopened(closed, { occurredAt });
    await publish(reopening);
    await cancelledBy(workflowId, 'later', reopening);
    const again = await publish({ ...closed, id: randomUUID() });
    expect(await system.client.result(again.workflowId)).toMatchObject({ status: 'succeeded' });
  });

  it('is named once where it comes twice, and the first of two is named', async () => {
    await useHandlers(system, { later: unlessReopened });
    const closed = closedEvent();
    const accepted = await accept(closed);
    const [second, first] = [2, 1].map((minutes) =>
      reopened(closed, { occurredAt: new Date(Date.now() + minutes * 60_000).toISOString() }),
    );
    for (const event of [second, first, first]) if (event !== undefined) await accept(event);
    await start(accepted);
    await cancelledBy(accepted.workflowId, 'later', first ?? closed);
  });

  it('is looked for by a signal of the client, which alone cancels nothing', async () => {
    await useHandlers(system, { later: unlessReopened });
    const closed = closedEvent();
    const { workflowId } = await publish(closed);
    const change = { eventId: 'said', type: 'conversation_reopened', occurredAt: new Date().toISOString() };
    await system.client.conversationChanged(workflowId, change);
    await eventually(async () => {
      const state = await system.temporal.client.workflow.getHandle(workflowId).query(currentState);
      expect(state).toMatchObject({ changes: [change], executions: [{ status: 'waiting' }] });
    });
    const reopening = reopened(closed);
    await accept(reopening);
    await system.client.conversationChanged(workflowId, change);
    await cancelledBy(workflowId, 'later', reopening);
  });

  it('cancels a handler without a delay while it waits for a worker', async () => {
    await useHandlers(system, {
      blocks: { code: handler('time.sleep(3)'), eventType: 'conversation_handed_off' },
      b: { code: runs, cancelOn: ['conversation_reopened'] },
      c: { code: runs, cancelOn: ['conversation_handed_off'] },
    });
    const blocked = await publish(closedEvent({ type: 'conversation_handed_off' }));
    await eventually(async () =>
      expect(await statusOf(blocked.workflowId, 'blocks')).toMatchObject({ status: 'running' }),
    );
    const closed = closedEvent();
    const { workflowId } = await publish(closed);
    const reopening = reopened(closed);
    await publish(reopening);
    await cancelledBy(workflowId, 'b', reopening);
    expect(await statusOf(workflowId, 'c')).toMatchObject({ status: 'succeeded' });
  });

  it('changes nothing once the handler has begun, its retries included', async () => {
    const code = handler(`
if context["args"]["attempt"] == 1:
    time.sleep(2)
    raise ValueError("once")
return "ran"`);
    await useHandlers(system, { begun: { ...unlessReopened, code, delaySeconds: 1 } });
    const closed = closedEvent();
    const { workflowId } = await publish(closed);
    await eventually(async () => expect(await statusOf(workflowId, 'begun')).toMatchObject({ status: 'running' }));
    await publish(reopened(closed));
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    expect(await statusOf(workflowId, 'begun')).toMatchObject({ attempts: 2, result: 'ran' });
  });
});
