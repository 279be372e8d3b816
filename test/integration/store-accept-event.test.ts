import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  acceptEvent,
  getEvent,
  listEvents,
  postponeRelay,
  unclaimedEvents,
} from '../../src/store/conversation-events.ts';
import { getConversation, saveConversation } from '../../src/store/conversations.ts';
import type { Database } from '../../src/store/database.ts';
import { getExecution, listExecutions } from '../../src/store/executions.ts';
import { settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import { pushHandler, rollbackHandler, setHandlerEnabled } from '../../src/store/handlers.ts';
import {
  aConversation,
  aHandler,
  aMessage,
  closed,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

describe.each(engines)('accepting an event on %s', (engine) => {
  let underTest: StoreUnderTest;
  let db: Database;
  let org: string;

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine);
    db = underTest.store.db;
  });
  afterAll(() => underTest.dispose());
  beforeEach(async () => {
    org = await newOrganization(db);
  });

  async function contextOf(eventId: string): Promise<unknown> {
    const row = await db
      .selectFrom('conversation_events')
      .select(['context', 'message_seq'])
      .where('organization_id', '=', org)
      .where('id', '=', eventId)
      .executeTakeFirstOrThrow();
    return { ...(JSON.parse(row.context) as object), messageSeq: row.message_seq };
  }

  async function countOf(table: 'conversation_events' | 'executions' | 'conversations' | 'messages'): Promise<number> {
    const rows = await db.selectFrom(table).select('organization_id').where('organization_id', '=', org).execute();
    return rows.length;
  }

  test('saves the conversation, its messages and a waiting execution for each handler of the type', async () => {
    await pushHandler(db, org, aHandler('second'));
    await pushHandler(db, org, aHandler('first'));
    await pushHandler(db, org, aHandler('off', { enabled: false }));
    await pushHandler(db, org, aHandler('other-type', { eventType: 'conversation_handed_off' }));
    const conversation = aConversation({ messages: [aMessage('Hello'), aMessage('Bye')] });

    const accepted = await acceptEvent(db, org, closed({ id: 'e1', conversation, actor: 'agent' }));

    expect(accepted).toMatchObject({
      eventId: 'e1',
      duplicate: false,
      type: 'conversation_closed',
      conversationId: conversation.id,
      claimedBy: null,
    });
    expect(accepted.workflowId).toMatch(new RegExp(`^conversation-event/${org}/[a-z2-7]{52}$`));
    expect(accepted.executions.map((execution) => execution.handlerName)).toEqual(['first', 'second']);
    expect((await getConversation(db, org, conversation.id)).messages).toEqual(conversation.messages);
    expect(await getEvent(db, org, accepted.id)).toMatchObject({
      source: 'default',
      actor: 'agent',
      status: 'running',
      claimed: false,
      conversationPublicId: conversation.publicId,
    });
    const [newest] = await listExecutions(db, org, { limit: 10 });
    expect(newest).toMatchObject({
      status: 'waiting',
      handlerName: 'second',
      attempts: 0,
      queueMs: null,
      result: null,
    });
  });

  test('keeps the context as the handler sees it, with browser_session only where there is one', async () => {
    const plain = aConversation();
    const chat = aConversation({
      business: { name: 'The Shop', slug: 'shop' },
      customer: { name: 'Zoë', orders: [1, 2] },
      initialChannel: 'web',
      latestChannel: 'email',
      browserSession: { page: '/cart' },
      messages: [],
    });
    expect(await contextOf((await acceptEvent(db, org, closed({ conversation: plain }))).id)).toEqual({
      conversation: {
        id: plain.id,
        publicId: plain.publicId,
        subject: plain.subject,
        businessSlug: 'shop',
        initialChannel: null,
        latestChannel: null,
      },
      business: { name: 'shop', slug: 'shop' },
      customer: null,
      messageSeq: 1,
    });
    expect(await contextOf((await acceptEvent(db, org, closed({ conversation: chat }))).id)).toMatchObject({
      conversation: { initialChannel: 'web', latestChannel: 'email' },
      business: { name: 'The Shop', slug: 'shop' },
      customer: { name: 'Zoë', orders: [1, 2] },
      browser_session: { page: '/cart' },
      messageSeq: 0,
    });
  });

  test('finds a known conversation by id, in any case, and by public id', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    for (const conversationId of [conversation.id, conversation.id.toUpperCase(), conversation.publicId]) {
      expect((await acceptEvent(db, org, closed({ conversationId }))).conversationId).toBe(conversation.id);
    }
    const error = await errorOf(acceptEvent(db, org, closed({ conversationId: randomUUID() })));
    expect(error.code).toBe('conversation_not_found');
  });

  test('answers a repeat like the first time and writes nothing, new messages included', async () => {
    await pushHandler(db, org, aHandler('h'));
    const conversation = aConversation();
    const event = closed({ conversation });
    const first = await acceptEvent(db, org, event);
    await pushHandler(db, org, aHandler('later'));

    const grown = { ...conversation, subject: 'Changed', messages: [...conversation.messages, aMessage('More')] };
    const again = await acceptEvent(db, org, { ...event, conversation: grown });
    const byId = await acceptEvent(db, org, closed({ id: event.id, conversationId: conversation.publicId }));

    expect(again).toEqual({ ...first, duplicate: true });
    expect(byId).toEqual({ ...first, duplicate: true });
    const kept = await getConversation(db, org, conversation.id);
    expect(kept).toMatchObject({ subject: conversation.subject, messageCount: 1 });
    expect(await countOf('executions')).toBe(1);
  });

  test('tells events without an id apart by their time, and refuses one with neither', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    const at = (occurredAt?: string) =>
      acceptEvent(db, org, { ...closed({ conversationId: conversation.publicId }), id: undefined, occurredAt });
    const first = await at('2026-01-02T03:04:05.678Z');
    expect(first.eventId).toBe(`conversation_closed/${conversation.id}/2026-01-02T03:04:05.678Z`);
    expect((await at('2026-01-02T05:04:05.678+02:00')).id).toBe(first.id);
    expect((await at('2026-01-02T03:04:05.679Z')).duplicate).toBe(false);
    expect((await errorOf(at())).code).toBe('event_id_missing');
  });

  test('refuses an id that was used for another type or another conversation', async () => {
    const event = closed({ id: 'used' });
    const first = await acceptEvent(db, org, event);
    const otherType = acceptEvent(db, org, { ...event, type: 'conversation_handed_off' });
    expect((await errorOf(otherType)).code).toBe('event_id_reused');
    const otherConversation = acceptEvent(db, org, closed({ id: 'used' }));
    expect((await errorOf(otherConversation)).code).toBe('event_id_reused');
    expect(await countOf('conversations')).toBe(1);
    const otherSource = await acceptEvent(db, org, closed({ id: 'used', source: 'other' }));
    expect(otherSource.workflowId).not.toBe(first.workflowId);
  });

  test('runs nothing twice when the same event comes 20 times at once', async () => {
    await pushHandler(db, org, aHandler('a'));
    await pushHandler(db, org, aHandler('b'));
    const databases = engine === 'postgres' ? [db, (await underTest.another()).db] : [db];
    const known = aConversation();
    await saveConversation(db, org, known);
    for (const event of [closed(), closed({ conversationId: known.id }), closed({ conversation: known })]) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => acceptEvent(databases[n % databases.length] ?? db, org, event)),
      );
      expect(answers.filter((answer) => !answer.duplicate)).toHaveLength(1);
      expect(new Set(answers.map((answer) => JSON.stringify({ ...answer, duplicate: true }))).size).toBe(1);
    }
    expect(await countOf('conversation_events')).toBe(3);
    expect(await countOf('executions')).toBe(6);
    expect(await countOf('messages')).toBe(2);
  });

  test('lets one of two conversations have the id that both use at once', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => acceptEvent(db, org, closed({ id: 'wanted' }))),
    );
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'event_id_reused' });
    }
    expect(await countOf('conversations')).toBe(1);
  });

  test('appends the messages of ten events of one conversation at once without gap or loss', async () => {
    const conversation = aConversation({ messages: [] });
    await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        acceptEvent(db, org, closed({ conversation: { ...conversation, messages: [aMessage(`Message ${n}`)] } })),
      ),
    );
    const { messages, messageCount } = await getConversation(db, org, conversation.id);
    expect(messageCount).toBe(10);
    expect(messages.map((message) => message.content).toSorted()).toEqual(
      Array.from({ length: 10 }, (_, n) => `Message ${n}`),
    );
  });

  test('pins the version that is current, for later pushes and rollbacks to change nothing', async () => {
    const versionOf = async (executionId: string | undefined) =>
      (await getExecution(db, org, executionId ?? '')).handlerVersion;
    await pushHandler(db, org, aHandler('h'));
    const one = await acceptEvent(db, org, closed());
    await pushHandler(db, org, aHandler('h', { code: 'def handle_event(context):\n    return 2\n' }));
    const two = await acceptEvent(db, org, closed());
    await rollbackHandler(db, org, 'h', 1);
    const three = await acceptEvent(db, org, closed());
    await setHandlerEnabled(db, org, 'h', false);
    const four = await acceptEvent(db, org, closed());
    expect(await versionOf(one.executions[0]?.executionId)).toBe(1);
    expect(await versionOf(two.executions[0]?.executionId)).toBe(2);
    expect(await versionOf(three.executions[0]?.executionId)).toBe(1);
    expect(four.executions).toEqual([]);
    expect((await getEvent(db, org, four.id)).status).toBe('no_handlers');
  });

  test('claims for the run that asks first, and tells the next one whose it is', async () => {
    const event = closed();
    expect((await acceptEvent(db, org, event, { claimFor: 'run-1' })).claimedBy).toBe('run-1');
    expect(await acceptEvent(db, org, event, { claimFor: 'run-1' })).toMatchObject({
      claimedBy: 'run-1',
      duplicate: true,
    });
    expect((await acceptEvent(db, org, event, { claimFor: 'run-2' })).claimedBy).toBe('run-1');
    expect((await acceptEvent(db, org, event)).claimedBy).toBe('run-1');

    const unclaimed = closed();
    await acceptEvent(db, org, unclaimed);
    expect((await acceptEvent(db, org, unclaimed, { claimFor: 'run-3' })).claimedBy).toBe('run-3');
  });

  test('is claimed by the run that settles what nobody had begun: the relay leaves it alone', async () => {
    await pushHandler(db, org, aHandler('h'));
    const accepted = await acceptEvent(db, org, closed());
    const executionId = accepted.executions[0]?.executionId ?? '';
    const end = { organizationId: org, executionId, status: 'cancelled', reason: null, error: null } as const;
    await settleExecution(db, { ...end, claimFor: 'run' });
    expect(await getEvent(db, org, accepted.id)).toMatchObject({ status: 'cancelled', claimed: true, runId: 'run' });
    await settleExecution(db, { ...end, claimFor: 'another' });
    expect(await getEvent(db, org, accepted.id)).toMatchObject({ runId: 'run' });
    const later = new Date(Date.now() + 60_000);
    expect((await unclaimedEvents(db, later, 1_000)).map(({ id }) => id)).not.toContain(accepted.id);
  });

  test('shows the relay what nobody claimed three seconds after it came', async () => {
    await pushHandler(db, org, aHandler('b'));
    await pushHandler(db, org, aHandler('a'));
    const claimed = await acceptEvent(db, org, closed(), { claimFor: 'run' });
    const waiting = await acceptEvent(db, org, closed());
    const received = new Date((await getEvent(db, org, waiting.id)).receivedAt).getTime();
    const seenAfter = async (ms: number) =>
      (await unclaimedEvents(db, new Date(received + ms), 1_000)).filter((event) => event.organizationId === org);

    expect(await seenAfter(2_999)).toEqual([]);
    expect(await seenAfter(3_000)).toEqual([
      {
        id: waiting.id,
        organizationId: org,
        type: 'conversation_closed',
        conversationId: waiting.conversationId,
        workflowId: waiting.workflowId,
        executions: waiting.executions,
      },
    ]);
    expect(claimed.executions.map((execution) => execution.handlerName)).toEqual(['a', 'b']);
    await postponeRelay(db, waiting.id, new Date(received + 60_000));
    expect(await seenAfter(59_999)).toEqual([]);
    expect(await seenAfter(60_000)).toHaveLength(1);
  });

  test('lists events newest first, page after page', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) ids.unshift((await acceptEvent(db, org, closed())).id);
    const first = await listEvents(db, org, { limit: 2 });
    const second = await listEvents(db, org, { limit: 9, before: first.at(-1)?.id });
    expect([...first, ...second].map((event) => event.id)).toEqual(ids);
    expect(await listEvents(db, org, { limit: 2, before: 'nothing' })).toEqual([]);
    expect((await errorOf(getEvent(db, org, 'nothing'))).code).toBe('event_not_found');
  });

  test('keeps a NUL character in a message', async () => {
    const conversation = aConversation({ messages: [aMessage('a\0b')] });
    await acceptEvent(db, org, closed({ conversation }));
    expect((await getConversation(db, org, conversation.id)).messages[0]?.content).toBe('a\0b');
  });

  test('names the field that has a NUL character', async () => {
    const message = closed({
      conversation: aConversation({ messages: [aMessage('ok'), aMessage('x', { id: 'a\0b' })] }),
    });
    expect((await errorOf(acceptEvent(db, org, message))).fields[0]?.field).toBe('conversation.messages.1.id');
    const error = await errorOf(acceptEvent(db, org, closed({ id: 'a\0' })));
    expect(error).toMatchObject({ code: 'invalid_request', fields: [{ field: 'id' }] });
  });

  test('works inside a transaction that the caller holds', async () => {
    const event = closed();
    await expect(
      db.transaction().execute(async (trx) => {
        await acceptEvent(trx, org, event);
        throw new Error('rolled back');
      }),
    ).rejects.toThrow('rolled back');
    expect(await countOf('conversation_events')).toBe(0);
    expect((await db.transaction().execute((trx) => acceptEvent(trx, org, event))).duplicate).toBe(false);
  });
});
