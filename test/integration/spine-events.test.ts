import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAfterword, type AfterwordClient } from '../../src/client.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { setHandlerEnabled } from '../../src/store/handlers.ts';
import { connectTemporal, type Temporal } from '../../src/temporal/connection.ts';
import { startTemporalDevServer, type TemporalDevServer } from '../../src/temporal/dev-server.ts';
import { createEventStarter } from '../../src/temporal/start-event.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { eventStarterOf, handler, startWorkersFor, useHandlers, type RunningWorkers } from './spine-system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

const returning = (value: string) => handler(`return ${value}`);
/** Its effects can be counted. */
const marks = handler('add_conversation_event(context, "ran")\nreturn "ran"');

const accept = (event: EventInput) => acceptEvent(system.store.db, organization, ConversationEventInput.parse(event));

async function start(event: EventInput) {
  const accepted = await accept(event);
  await eventStarterOf(system)({ ...accepted, organizationId: organization });
  return accepted;
}

async function timelineOf(event: EventInput): Promise<number> {
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  const conversation = await getConversation(system.store.db, organization, event.conversation.id);
  return conversation.timeline.length;
}

describe('which handlers run', () => {
  it('each that is on for the event’s type, and no other', async () => {
    await useHandlers(system, {
      first: returning('1'),
      second: returning('2'),
      off: { code: returning('3'), enabled: false },
      'other-type': { code: returning('4'), eventType: 'conversation_handed_off' },
    });
    const closed = await system.run();
    expect(Object.keys(closed).sort()).toEqual(['first', 'second']);
    const handedOff = await system.run({ type: 'conversation_handed_off' });
    expect(Object.keys(handedOff)).toEqual(['other-type']);
    expect(handedOff['other-type']).toMatchObject({ result: 4, eventType: 'conversation_handed_off' });
  });

  it('none where none is on, and the event has ended all the same', async () => {
    await useHandlers(system, { off: { code: returning('1'), enabled: false } });
    const { workflowId } = await system.client.publish(closedEvent());
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'no_handlers', executions: [] });
  });

  it('those that were on when the event was accepted, in the versions of then', async () => {
    await useHandlers(system, { kept: returning('"old"'), 'later-off': returning('"still"') });
    const accepted = await accept(closedEvent());
    await system.push('kept', returning('"new"'));
    await system.push('added', returning('"added"'));
    await setHandlerEnabled(system.store.db, organization, 'later-off', false);
    await eventStarterOf(system)({ ...accepted, organizationId: organization });
    await system.client.result(accepted.workflowId);
    const ran = await system.executionsOf(accepted.workflowId);
    expect(Object.values(ran).map(({ handlerName, result }) => [handlerName, result])).toEqual(
      expect.arrayContaining([
        ['kept', 'old'],
        ['later-off', 'still'],
      ]),
    );
    expect(Object.keys(ran)).toHaveLength(2);
    expect(await system.run()).toMatchObject({
      kept: { result: 'new', handlerVersion: 2 },
      added: { result: 'added' },
    });
  });

  it('twelve of them, each with calls of its own, in two workflows', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `h${String(index + 1).padStart(2, '0')}`);
    const code = (name: string) =>
      handler(`
for n in range(3):
    set_conversation_metadata(context, "${name}-" + str(n), "${name}")
return get_conversation_metadata(context, "${name}-2")`);
    await useHandlers(system, Object.fromEntries(names.map((name) => [name, code(name)])));
    const event = closedEvent();
    const { workflowId } = await system.client.publish(event);
    const { status, executions } = await system.client.result(workflowId);
    expect(status).toBe('succeeded');
    expect(executions.map(({ handlerName }) => handlerName)).toEqual(names);
    const ran = await system.executionsOf(workflowId);
    for (const name of names) {
      expect(ran[name]).toMatchObject({ status: 'succeeded', attempts: 1, result: name });
      expect(ran[name]?.calls).toHaveLength(4);
    }
    const child = await system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`).describe();
    expect(child.status.name).toBe('COMPLETED');
  });
});

describe('one event runs once', () => {
  it('published twenty times at once: one answer is the first, the others are duplicates of its run', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const published = await Promise.all(Array.from({ length: 20 }, () => system.client.publish(event)));
    expect(published.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(published.map(({ workflowId, runId }) => `${workflowId} ${runId}`)).size).toBe(1);
    const [{ workflowId, runId } = { workflowId: '', runId: '' }] = published;
    await system.client.result(workflowId);
    expect(await system.executionsOf(workflowId)).toMatchObject({ marks: { status: 'succeeded', attempts: 1, runId } });
    expect(await timelineOf(event)).toBe(1);
    expect(await system.client.publish(event)).toEqual({ workflowId, runId, duplicate: true });
  });

  it('whoever starts it first, the publisher by HTTP or the direct client', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const accepted = await start(event);
    expect(await system.client.publish(event)).toMatchObject({ workflowId: accepted.workflowId, duplicate: true });
    await system.client.result(accepted.workflowId);
    expect(await timelineOf(event)).toBe(1);
  });

  it('told by its time where it has no id, however the time is written', async () => {
    await useHandlers(system, { marks });
    const { conversation } = closedEvent() as { conversation: object } & EventInput;
    const event = { type: 'conversation_closed', conversation } as EventInput;
    const first = await system.client.publish({ ...event, occurredAt: '2026-01-05T11:00:00Z' });
    const second = await system.client.publish({ ...event, occurredAt: '2026-01-05T12:00:00.000+01:00' });
    expect(second).toEqual({ ...first, duplicate: true });
    const later = await system.client.publish({ ...event, occurredAt: '2026-01-05T11:00:00.001Z' });
    expect(later).toMatchObject({ duplicate: false });
    await Promise.all([first, later].map(({ workflowId }) => system.client.result(workflowId)));
    expect(await timelineOf(event)).toBe(2);
  });

  it('two sources may use the same id for two events', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const published = await Promise.all(['crm', 'chat'].map((source) => system.client.publish({ ...event, source })));
    expect(published.map(({ duplicate }) => duplicate)).toEqual([false, false]);
    await Promise.all(published.map(({ workflowId }) => system.client.result(workflowId)));
    expect(await timelineOf(event)).toBe(2);
  });

  it.each([
    ['another type', (event: EventInput): EventInput => ({ ...event, type: 'conversation_handed_off' })],
    ['another conversation', (event: EventInput): EventInput => ({ ...closedEvent(), id: event.id })],
  ])('and its id for %s is refused, the first event staying as it was', async (_, other) => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const { workflowId } = await system.client.publish(event);
    await expect(system.client.publish(other(event))).rejects.toMatchObject({ code: 'event_id_reused' });
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });

    expect(await timelineOf(event)).toBe(1);
  });
});

describe('an event that Temporal has forgotten, as after its retention or a fresh start', () => {
  let server: TemporalDevServer;
  let temporal: Temporal;
  let client: AfterwordClient;
  let workers: RunningWorkers;

  beforeAll(async () => {
    const { temporalCli } = readToolchain();
    server = await startTemporalDevServer({ cliPath: temporalCli ?? 'temporal' });
    const { address } = server;
    temporal = connectTemporal({ address });
    client = connectAfterword({ organization, taskQueue: system.taskQueue, address });
    workers = await startWorkersFor(system, { temporal });
  });
  afterAll(async () => {
    await workers.stop();
    await client.close();
    await temporal.close();
    await server.stop();
  });

  it('runs nothing when it is published again, and ends as a duplicate', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const { marks: first } = await system.run(event);
    const { workflowId, runId, duplicate } = await client.publish(event);
    expect([duplicate, runId === first?.runId]).toEqual([false, false]);
    expect(await client.result(workflowId)).toMatchObject({ status: 'duplicate', executions: [] });
    expect((await system.executionsOf(workflowId)).marks).toEqual(first);
    expect(await timelineOf(event)).toBe(1);
  });

  it('runs nothing when the API’s or the relay’s start comes again', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    const { marks: first } = await system.run(event);
    const accepted = await accept(event);
    expect(accepted).toMatchObject({ duplicate: true, claimedBy: first?.runId });
    const start = createEventStarter(temporal.client, { taskQueue: system.taskQueue });
    await start({ ...accepted, organizationId: organization });
    expect(await client.result(accepted.workflowId)).toMatchObject({ status: 'duplicate', executions: [] });
    expect((await system.executionsOf(accepted.workflowId)).marks).toEqual(first);
    expect(await timelineOf(event)).toBe(1);
  });

  it('keeps its id: another event under it fails as event_id_reused', async () => {
    await useHandlers(system, { marks });
    const event = closedEvent();
    await system.run(event);
    const { workflowId } = await client.publish({ ...closedEvent(), id: event.id });
    await expect(client.result(workflowId)).rejects.toMatchObject({ cause: { type: 'event_id_reused' } });
  });
});

describe('what a handler is given', () => {
  const whole = { whole: handler('return context') };

  it('is every field of the seed, as the conversation was', async () => {
    await useHandlers(system, whole);
    const id = randomUUID();
    const messages = [
      { sender: 'customer', timestamp: '2026-01-05T10:00:00Z', content: 'Grüße 😀', channel: 'web_chat' },
      { sender: 'bot', timestamp: '2026-01-05T10:00:01.5+02:00', content: '', channel: 'web_chat' },
      {
        sender: 'agent',
        timestamp: '2026-01-05T10:05:00Z',
        content: 'Hello',
        channel: 'email',
        attachments: [{ name: 'invoice.pdf', bytes: 7 }],
      },
    ];
    const event = {
      id: `event-${id}`,
      type: 'conversation_closed',
      occurredAt: '2026-01-05T12:00:00+02:00',
      actor: 'automation',
      conversation: {
        id,
        publicId: `P-${id}`,
        subject: 'Order 7',
        businessSlug: 'example-shop',
        business: { name: 'Example shop', slug: 'example-shop' },
        customer: { name: 'Ana', tags: ['vip'] },
        initialChannel: 'web_chat',
        latestChannel: 'email',
        browserSession: { url: 'https://shop.example/cart' },
        messages,
      },
    } as EventInput;
    const { whole: execution } = await system.run(event);
    expect(execution?.result).toEqual({
      args: {
        event_type: 'conversation_closed',
        event_id: `event-${id}`,
        occurred_at: '2026-01-05T10:00:00.000Z',
        attempt: 1,
        actor: 'automation',
      },
      business: { name: 'Example shop', slug: 'example-shop' },
      customer: { name: 'Ana', tags: ['vip'] },
      browser_session: { url: 'https://shop.example/cart' },
      secrets: {},
      conversation: {
        id,
        publicId: `P-${id}`,
        subject: 'Order 7',
        businessSlug: 'example-shop',
        initialChannel: 'web_chat',
        latestChannel: 'email',
        messages: messages.map((message) => expect.objectContaining(message)),
      },
    });
  });

  it('has no browser session and a customer of None unless they are given, and may have no messages', async () => {
    await useHandlers(system, whole);
    const id = randomUUID();
    const conversation = { id, publicId: id, subject: '', businessSlug: 'example-shop' };
    const { whole: execution } = await system.run({ conversation });
    expect(execution?.result).not.toHaveProperty('browser_session');
    expect(execution?.result).not.toHaveProperty('args.actor');
    expect(execution?.result).toMatchObject({
      customer: null,
      business: { slug: 'example-shop' },
      conversation: { subject: '', messages: [] },
    });
  });

  it('is the conversation as the event saw it, not as it has become since', async () => {
    await useHandlers(system, { texts: handler('return [m["content"] for m in context["conversation"]["messages"]]') });
    const event = closedEvent();
    const accepted = await accept(event);
    const message = { sender: 'customer', timestamp: '2026-01-05T11:00:00Z', content: 'And now?', channel: 'email' };
    if (!('conversation' in event)) throw new Error('an event with its conversation');
    const reopened = { ...event.conversation, subject: 'Another subject', messages: [message] };
    await accept({ id: randomUUID(), type: 'conversation_reopened', conversation: reopened } as EventInput);
    await eventStarterOf(system)({ ...accepted, organizationId: organization });
    await system.client.result(accepted.workflowId);
    const { texts } = await system.executionsOf(accepted.workflowId);
    expect(texts?.result).toEqual(['Where is my order?', 'It is on its way.']);
  });

  it('shares metadata with every other execution of the conversation, the next event’s too', async () => {
    await useHandlers(system, {
      counts: handler(`
count = int(get_conversation_metadata(context, "closed") or "0") + 1
set_conversation_metadata(context, "closed", str(count))
return count`),
    });
    const event = closedEvent();
    expect(await system.run(event)).toMatchObject({ counts: { result: 1 } });
    expect(await system.run({ ...event, id: randomUUID() })).toMatchObject({ counts: { result: 2 } });
    expect(await system.run()).toMatchObject({ counts: { result: 1 } });
  });
});
