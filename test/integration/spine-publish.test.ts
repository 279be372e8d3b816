import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAfterword } from '../../src/client.ts';
import { ConversationInput } from '../../src/contract/conversation.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { HandlerPush } from '../../src/contract/handler.ts';
import { limits } from '../../src/domain/limits.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation, saveConversation } from '../../src/store/conversations.ts';
import { listExecutions } from '../../src/store/executions.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { statusKey } from '../../src/temporal/search-attributes.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { eventStarterOf, handler, useHandlers } from './spine-system.ts';

let system: TestSystem;
/** Begun before the others and looked at after them: the SDK itself tries for 20 s. */
let publishedNowhere: ReturnType<typeof publishNowhere>;
beforeAll(async () => {
  publishedNowhere = publishNowhere();
  system = await startSystem();
});
afterAll(() => system.stop());

const marks = handler('add_conversation_event(context, "ran")');

function conversationOf(event: EventInput): ConversationInput {
  if (!('conversation' in event)) throw new Error('an event with its conversation');
  return ConversationInput.parse(event.conversation);
}

async function publishNowhere() {
  const nowhere = connectAfterword({ organization, address: '127.0.0.1:1' });
  try {
    return await nowhere.publishMany([closedEvent(), closedEvent()]);
  } finally {
    await nowhere.close();
  }
}

const connectAs = (name: string) =>
  connectAfterword({ organization: name, taskQueue: system.taskQueue, address: system.temporal.address });

describe('publishMany', () => {
  it('answers each event in its place: published, refused or known', async () => {
    await useHandlers(system, { returns: handler('return 1') });
    const first = closedEvent();
    const nameless = { ...closedEvent(), id: undefined };
    const notes = Array.from({ length: 20 }, (_, n) => ({
      sender: 'agent' as const,
      timestamp: '2026-01-05T10:00:00Z',
      channel: 'email',
      content: `${String(n)} ${'x'.repeat(limits.messageBytes - 200)}`,
    }));
    const large: EventInput = { ...closedEvent(), conversation: { ...conversationOf(closedEvent()), messages: notes } };
    const reused: EventInput = { ...closedEvent(), id: first.id };
    const events = [first, nameless, large, reused, first, closedEvent()];
    const results = await system.client.publishMany(events, { concurrency: 1 });
    expect(results).toMatchObject([
      { ok: true, duplicate: false },
      { ok: false, error: { code: 'event_id_missing' } },
      { ok: false, error: { code: 'start_argument_too_large', message: expect.stringContaining('1048576') } },
      { ok: false, error: { code: 'event_id_reused' } },
      { ok: true, duplicate: true },
      { ok: true, duplicate: false },
    ]);
    for (const result of results) if (result.ok) await system.client.result(result.workflowId);
  });
});

describe('an event that could not be opened', () => {
  /** Published directly, naming a conversation that the store does not have yet. */
  async function tooEarly() {
    const event = closedEvent();
    const conversation = conversationOf(event);
    const early: EventInput = { id: event.id ?? '', type: 'conversation_closed', conversationId: conversation.id };
    const { workflowId } = await system.client.publish(early);
    await expect(system.client.result(workflowId)).rejects.toMatchObject({ cause: { type: 'conversation_not_found' } });
    const { typedSearchAttributes } = await system.client.describe(workflowId);
    expect(typedSearchAttributes.get(statusKey)).toBe('failed');
    await saveConversation(system.store.db, organization, conversation);
    return { early, conversation, workflowId };
  }
  const timelineOf = async (id: string) => (await getConversation(system.store.db, organization, id)).timeline;

  it('runs when it is published again, once', async () => {
    await useHandlers(system, { marks });
    const { early, conversation, workflowId } = await tooEarly();
    expect(await system.client.publish(early)).toMatchObject({ workflowId, duplicate: false });
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    expect(await system.client.publish(early)).toMatchObject({ workflowId, duplicate: true });
    expect(await timelineOf(conversation.id)).toHaveLength(1);
  });

  it('runs when the API takes it in later', async () => {
    await useHandlers(system, { marks });
    const { early, conversation, workflowId } = await tooEarly();
    const accepted = await acceptEvent(system.store.db, organization, ConversationEventInput.parse(early));
    expect(accepted).toMatchObject({ workflowId, duplicate: false });
    await eventStarterOf(system)({ ...accepted, organizationId: organization });
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    expect(await timelineOf(conversation.id)).toHaveLength(1);
  });

  it('fails as organization_not_found for an organisation that does not exist', async () => {
    const nobody = connectAs('nobody');
    const { workflowId } = await nobody.publish(closedEvent());
    await expect(nobody.result(workflowId)).rejects.toMatchObject({
      cause: { type: 'organization_not_found', message: expect.stringContaining('"nobody"') },
    });
    await nobody.close();
  });
});

it('two organisations that share every id: each runs its own handlers on its own conversation', async () => {
  const { db } = system.store;
  await ensureOrganization(db, { id: 'rival', name: 'Rival' });
  const marking = (owner: string) =>
    handler(`
before = get_conversation_metadata(context, "owner")
add_conversation_tag(context, "shared name")
add_conversation_tag(context, "of ${owner}")
set_conversation_metadata(context, "owner", "${owner}")
add_conversation_event(context, "${owner}")
return before`);
  await useHandlers(system, { marks: marking('example'), 'example-only': handler('return 1') });
  const theirs = HandlerPush.parse({ name: 'marks', eventType: 'conversation_closed', code: marking('rival') });
  await pushHandler(db, 'rival', theirs);
  const event = closedEvent();
  const rival = connectAs('rival');
  const ran: Record<string, string[]> = {};
  for (const [id, client] of [
    [organization, system.client],
    ['rival', rival],
  ] as const) {
    const { workflowId, duplicate } = await client.publish(event);
    expect(duplicate).toBe(false);
    ran[id] = (await client.result(workflowId)).executions.map(({ handlerName }) => handlerName);
  }
  await rival.close();
  expect(ran).toEqual({ [organization]: ['example-only', 'marks'], rival: ['marks'] });
  for (const owner of [organization, 'rival']) {
    expect(await getConversation(db, owner, conversationOf(event).id)).toMatchObject({
      tags: [`of ${owner}`, 'shared name'],
      metadata: { owner },
      timeline: [{ description: owner }],
    });
  }
  expect(await listExecutions(db, 'rival', { limit: 10 })).toMatchObject([
    { handlerName: 'marks', status: 'succeeded', result: null },
  ]);
});

it('publishing says temporal_unavailable for each event where nobody answers', { timeout: 60_000 }, async () => {
  const refused = { ok: false, error: { code: 'temporal_unavailable' } };
  expect(await publishedNowhere).toMatchObject([refused, refused]);
});
