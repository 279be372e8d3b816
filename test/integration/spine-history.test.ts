import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { limits } from '../../src/domain/limits.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { createConversationWriter } from '../../src/store/conversation-writer.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { currentState } from '../../src/workflows/signals-and-updates.ts';
import { readableHistory } from '../replay/history-file.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { eventStarterOf, eventually, fetchHistory, handler, useHandlers } from './spine-system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ wallMs: 10_000 });
});
afterAll(() => system.stop());

/** Each of them must be in the store afterwards, so that it was really there to be leaked. */
const secrets = {
  message: 'secret-message-4711',
  subject: 'secret-subject-4711',
  customer: 'secret-customer-4711',
  value: 'secret-value-4711',
  timeline: 'secret-timeline-4711',
  log: 'secret-log-4711',
  result: 'secret-result-4711',
  exception: 'secret-exception-4711',
  refused: 'secret-refused-4711',
};

const talkative = handler(`
print("${secrets.log}")
add_conversation_tag(context, "vip")
set_conversation_metadata(context, "csat", "${secrets.value}")
assert get_conversation_metadata(context, "csat") == "${secrets.value}"
add_conversation_event(context, {"description": "${secrets.timeline}", "attributes": {"a": "${secrets.timeline}"}})
try:
    add_conversation_event(context, {"${secrets.refused}": 1})
except HelperError as error:
    print(error.code)
return "${secrets.result}"`);

function secretEvent() {
  const event = closedEvent();
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  const { conversation } = event;
  return {
    ...event,
    conversation: {
      ...conversation,
      subject: secrets.subject,
      customer: { name: secrets.customer },
      messages: [{ ...conversation.messages?.[0], content: secrets.message }],
    },
  } as typeof event;
}

const handlers = {
  talkative,
  raises: { code: handler(`print("${secrets.log}")\nraise ValueError("${secrets.exception}")`), attempts: 1 },
};

describe('the history of an event', () => {
  let told: string;
  let workflowId: string;

  beforeAll(async () => {
    await useHandlers(system, handlers);
    const accepted = await acceptEvent(system.store.db, organization, ConversationEventInput.parse(secretEvent()));
    ({ workflowId } = accepted);
    await eventStarterOf(system)({ ...accepted, organizationId: organization });
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    told = readableHistory(await fetchHistory(system, workflowId));
  });

  it('holds no message, no argument, no answer, no log and no error text, while the store has them all', async () => {
    const executions = await system.executionsOf(workflowId);
    const conversationId = executions.talkative?.conversationId;
    const conversation = await getConversation(system.store.db, organization, conversationId ?? '');
    const stored = JSON.stringify([executions, conversation]);
    for (const secret of Object.values(secrets)) {
      expect(stored).toContain(secret);
      expect(told).not.toContain(secret);
    }
    const { raw, typedSearchAttributes, memo } = await system.client.describe(workflowId);
    expect(JSON.stringify([raw, typedSearchAttributes, memo])).not.toContain('secret-');
  });

  it('tells the story by names: which handlers ran, what they called, how they ended', () => {
    for (const told_ of [
      'talkative',
      'raises',
      'add_conversation_tag \\"vip\\"',
      'set_conversation_metadata \\"csat\\"',
    ])
      expect(told.replaceAll('\\\\\\"', '\\"')).toContain(told_);
    expect(told).toContain('failed: raised');
    expect(told).toContain('partly');
  });

  it('holds what a direct publisher sends once only: in the argument it started with', async () => {
    const published = await system.client.publish(secretEvent());
    await system.client.result(published.workflowId);
    const history = await fetchHistory(system, published.workflowId);
    const [first, ...others] = history.events ?? [];
    expect(readableHistory({ events: first ? [first] : [] })).toContain(secrets.message);
    for (const secret of Object.values(secrets)) expect(readableHistory({ events: others })).not.toContain(secret);
  });
});

describe('what Temporal’s lists show', () => {
  const outcomes = {
    succeeded: { good: handler('return 1') },
    failed: { bad: { code: handler('raise ValueError()'), attempts: 1 } },
    partly: { good: handler('return 1'), bad: { code: handler('raise ValueError()'), attempts: 1 } },
    no_handlers: {},
    cancelled: { hangs: handler('print("begun")\ntime.sleep(600)') },
  } as const;

  it('is how each event ended, and whose it was', async () => {
    const ids: Record<string, string> = {};
    for (const [status, group] of Object.entries(outcomes)) {
      await useHandlers(system, group);
      const { workflowId } = await system.client.publish(closedEvent());
      ids[status] = workflowId;
      if (status === 'cancelled') {
        await eventually(async () => {
          expect(await system.executionsOf(workflowId)).toMatchObject({ hangs: { status: 'running' } });
        });
        await system.client.cancel(workflowId);
      }
      await system.client.result(workflowId).catch(() => undefined);
    }
    const mine = `TaskQueue = "${system.taskQueue}" AND AfterwordOrganization = "${organization}"`;
    for (const [status, workflowId] of Object.entries(ids)) {
      await eventually(async () => {
        const query = `${mine} AND AfterwordStatus = "${status}" AND AfterwordEventType = "conversation_closed"`;
        const found = [];
        for await (const { workflowId } of system.temporal.client.workflow.list({ query })) found.push(workflowId);
        expect(found, status).toContain(workflowId);
        expect(found.filter((id) => Object.values(ids).includes(id))).toEqual([workflowId]);
      });
    }
  });

  it('has the event’s type as summary, free of anybody’s words', async () => {
    await useHandlers(system, { good: handler('return 1') });
    const { workflowId } = await system.client.publish(secretEvent());
    const description = await system.client.describe(workflowId);
    expect(await description.staticSummary()).toBe('conversation_closed');
    await system.client.result(workflowId);
  });
});

/** Ends the wait of handlers that look for it. */
async function letGo(conversationId: string): Promise<void> {
  await createConversationWriter(system.store.db, organization, conversationId).setMetadata('go', 'yes');
}

describe('the state of a running event', () => {
  it('has later events of the conversation also where its handlers are too many for one workflow', async () => {
    const names = Array.from({ length: limits.handlersPerWorkflow + 1 }, (_, n) => `h${String(n).padStart(2, '0')}`);
    const waits = handler('while get_conversation_metadata(context, "go") is None:\n    time.sleep(0.2)');
    await useHandlers(system, Object.fromEntries(names.map((name) => [name, waits])));
    const event = closedEvent();
    if (!('conversation' in event)) throw new Error('an event with its conversation');
    const { workflowId } = await system.client.publish(event);
    const change = (eventId: string) => ({
      eventId,
      type: 'conversation_reopened',
      occurredAt: '2026-01-05T11:00:00Z',
    });
    await system.client.conversationChanged(workflowId, change('E-2'));
    const group = system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`);
    await eventually(async () => {
      expect((await group.query(currentState)).changes).toEqual([change('E-2')]);
    });
    await system.client.conversationChanged(workflowId, change('E-3'));
    await eventually(async () => {
      expect((await group.query(currentState)).changes).toEqual([change('E-2'), change('E-3')]);
    });
    await letGo(event.conversation.id);
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
  });

  it('can be asked for at any time: its handlers, calls in flight, later events of the conversation', async () => {
    await useHandlers(system, {
      good: handler('return 1'),
      bad: { code: handler('raise ValueError()'), attempts: 1 },
      slow: handler('while get_conversation_metadata(context, "go") is None:\n    time.sleep(0.1)'),
    });
    const event = closedEvent();
    if (!('conversation' in event)) throw new Error('an event with its conversation');
    const { workflowId } = await system.client.publish(event);
    const state = () => system.temporal.client.workflow.getHandle(workflowId).query(currentState);
    const change = { eventId: 'E-2', type: 'conversation_reopened', occurredAt: '2026-01-05T11:00:00Z' };
    await system.client.conversationChanged(workflowId, change);
    await eventually(async () => {
      expect(await state()).toMatchObject({
        status: 'running',
        executions: [
          { handlerName: 'bad', status: 'failed', reason: 'raised' },
          { handlerName: 'good', status: 'succeeded', reason: null },
          { handlerName: 'slow', status: 'running', reason: null },
        ],
        changes: [change],
      });
    });
    await letGo(event.conversation.id);
    const result = await system.client.result(workflowId);
    expect(result.status).toBe('partly');
    expect(await state()).toEqual({
      status: 'partly',
      executions: result.executions,
      callsInFlight: 0,
      changes: [change],
    });
  });
});
