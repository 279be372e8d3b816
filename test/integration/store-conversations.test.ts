import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import {
  findConversation,
  getConversation,
  listConversations,
  saveConversation,
} from '../../src/store/conversations.ts';
import { createConversationWriter } from '../../src/store/conversation-writer.ts';
import type { Database } from '../../src/store/database.ts';
import {
  aConversation,
  aMessage,
  closed,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

describe.each(engines)('conversations on %s', (engine) => {
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

  test('overwrites the fields that are given and keeps those left out', async () => {
    const conversation = aConversation({
      business: { name: 'The Shop', slug: 'shop' },
      customer: { name: 'Ann' },
      initialChannel: 'web',
      latestChannel: 'web',
      browserSession: { page: '/' },
    });
    await saveConversation(db, org, conversation);
    await saveConversation(db, org, {
      id: conversation.id,
      publicId: 'renamed',
      subject: 'Changed',
      businessSlug: 'shop-2',
      latestChannel: 'email',
      messages: [],
    });
    expect(await getConversation(db, org, 'renamed')).toMatchObject({
      id: conversation.id,
      subject: 'Changed',
      business: { name: 'The Shop', slug: 'shop-2' },
      customer: { name: 'Ann' },
      initialChannel: 'web',
      latestChannel: 'email',
      browserSession: { page: '/' },
      messageCount: 1,
    });
    await saveConversation(db, org, { ...conversation, customer: null });
    expect((await getConversation(db, org, conversation.id)).customer).toBeNull();
  });

  test('appends only new messages of a full snapshot, with ids or without', async () => {
    const said = [
      aMessage('one', { id: 'm1' }),
      aMessage('same'),
      aMessage('same'),
      aMessage('with a file', { attachments: [{ url: 'https://example.com/a.pdf' }] }),
    ];
    const conversation = aConversation({ messages: said });
    expect((await saveConversation(db, org, conversation)).messageSeq).toBe(4);
    expect((await saveConversation(db, org, conversation)).messageSeq).toBe(4);
    const more = [...said, aMessage('same'), aMessage('edited later', { id: 'm1' })];
    expect((await saveConversation(db, org, { ...conversation, messages: more })).messageSeq).toBe(5);
    expect((await getConversation(db, org, conversation.id)).messages).toEqual([...said, aMessage('same')]);
  });

  test('takes an id twice in one snapshot as one message', async () => {
    const messages = [aMessage('first', { id: 'm' }), aMessage('second', { id: 'm' })];
    const conversation = aConversation({ messages });
    expect((await saveConversation(db, org, conversation)).messageSeq).toBe(1);
    expect((await getConversation(db, org, conversation.id)).messages).toEqual(messages.slice(0, 1));
  });

  test('keeps every character of a message', async () => {
    const messages = [aMessage('\u2028 "\\" \ud83d\ude00 \ud83d cut \\u0000 \u0007', { id: 'x\ud83d' })];
    const conversation = aConversation({ subject: 'Ünïcode 中文 😀', messages });
    await saveConversation(db, org, conversation);
    await saveConversation(db, org, conversation);
    expect(await getConversation(db, org, conversation.id)).toMatchObject({ subject: 'Ünïcode 中文 😀', messages });
  });

  test('refuses a public id that another conversation has, and saves nothing', async () => {
    const one = aConversation({ publicId: 'one' });
    const two = aConversation({ publicId: 'two' });
    await saveConversation(db, org, one);
    await saveConversation(db, org, two);
    expect((await errorOf(saveConversation(db, org, { ...aConversation(), publicId: 'one' }))).code).toBe(
      'public_id_taken',
    );
    const renamed = { ...two, publicId: 'one', messages: [aMessage('not kept')] };
    expect((await errorOf(saveConversation(db, org, renamed))).code).toBe('public_id_taken');
    expect(await findConversation(db, org, two.id)).toEqual({ id: two.id, publicId: 'two', messageCount: 1 });
  });

  test('takes a message of 64 KB and refuses one byte more, naming it', async () => {
    const frame = Buffer.byteLength(JSON.stringify(aMessage('')));
    const largest = 'é'.repeat((limits.messageBytes - frame) / 2 - 1);
    const fill = limits.messageBytes - frame - Buffer.byteLength(largest);
    const exact = aMessage(largest + 'x'.repeat(fill));
    await saveConversation(db, org, aConversation({ messages: [exact] }));
    const over = aConversation({ messages: [aMessage('ok'), { ...exact, content: `${exact.content}x` }] });
    const error = await errorOf(saveConversation(db, org, over));
    expect(error).toMatchObject({
      code: 'conversation_too_large',
      fields: [{ field: 'conversation.messages.1' }],
    });
    expect((await errorOf(findConversation(db, org, over.id))).code).toBe('conversation_not_found');
  });

  test('takes 20,000 messages and 16 MB in all, and refuses one more of each', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    const fill = (columns: { message_count?: number; message_bytes?: number }) =>
      db.updateTable('conversations').set(columns).where('organization_id', '=', org).execute();
    const append = (content: string) => saveConversation(db, org, { ...conversation, messages: [aMessage(content)] });

    await fill({ message_count: limits.conversationMessages - 1 });
    await append('the last');
    expect((await errorOf(append('one more'))).code).toBe('conversation_too_large');
    expect((await append('the last')).messageSeq).toBe(limits.conversationMessages);

    const bytes = Buffer.byteLength(JSON.stringify(aMessage('last byte')));
    await fill({
      message_count: 30_000 - limits.conversationMessages,
      message_bytes: limits.conversationBytes - bytes,
    });
    await append('last byte');
    expect((await errorOf(append('!'))).code).toBe('conversation_too_large');
  });

  test('takes a snapshot of 5,000 messages and an event on it without reading them', async () => {
    const messages = Array.from({ length: 5_000 }, (_, n) => aMessage(`Message ${n} `.repeat(10)));
    const conversation = aConversation({ messages });
    expect((await saveConversation(db, org, conversation)).messageSeq).toBe(5_000);
    const event = closed({ conversation: { ...conversation, messages: [...messages, aMessage('the newest')] } });
    const accepted = await acceptEvent(db, org, event);
    const kept = await getConversation(db, org, accepted.conversationId);
    expect(kept.messages.map((message) => message.content)).toEqual([
      ...messages.map((message) => message.content),
      'the newest',
    ]);
  });

  test('shows tags, metadata and timeline, in a list as alone', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    const write = createConversationWriter(db, org, conversation.id);
    await write.addTag('vip');
    await write.addTag('late');
    await write.setMetadata('__proto__', 'kept');
    await write.setMetadata('case', '7');
    const conversationParts = { tags: ['late', 'vip'], messageCount: 1, timeline: [] };
    const alone = await getConversation(db, org, conversation.id);
    expect(alone).toMatchObject(conversationParts);
    expect(Object.entries(alone.metadata)).toEqual([
      ['__proto__', 'kept'],
      ['case', '7'],
    ]);
    const { messages, ...listed } = alone;
    expect(messages).toHaveLength(1);
    expect(await listConversations(db, org, { limit: 10 })).toEqual([listed]);
  });

  test('lists those written to last first, page after page', async () => {
    const conversations = Array.from({ length: 5 }, () => aConversation());
    for (const conversation of conversations) await saveConversation(db, org, conversation);
    const [oldest] = conversations;
    if (oldest !== undefined) await saveConversation(db, org, oldest);
    const first = await listConversations(db, org, { limit: 2 });
    const second = await listConversations(db, org, { limit: 10, before: first.at(-1)?.id });
    const expected = [0, 4, 3, 2, 1].map((n) => conversations[n]?.id);
    expect([...first, ...second].map((conversation) => conversation.id)).toEqual(expected);
    expect(await listConversations(db, org, { limit: 2, before: 'nothing' })).toEqual([]);
  });

  test('prefers the id where a public id has the form of one', async () => {
    const one = aConversation();
    const two = aConversation({ publicId: one.id });
    await saveConversation(db, org, two);
    expect((await findConversation(db, org, one.id)).id).toBe(two.id);
    await saveConversation(db, org, one);
    expect((await findConversation(db, org, one.id)).id).toBe(one.id);
  });

  test('never shows a conversation to another organisation, which may have one with the same ids', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    const other = await newOrganization(db);
    for (const name of [conversation.id, conversation.publicId]) {
      expect((await errorOf(getConversation(db, other, name))).code).toBe('conversation_not_found');
      expect((await errorOf(acceptEvent(db, other, closed({ conversationId: name })))).code).toBe(
        'conversation_not_found',
      );
    }
    expect(await listConversations(db, other, { limit: 10 })).toEqual([]);
    await saveConversation(db, other, { ...conversation, subject: 'Theirs', messages: [] });
    expect((await getConversation(db, org, conversation.id)).subject).toBe(conversation.subject);
    expect((await getConversation(db, other, conversation.id)).messages).toEqual([]);
    expect((await errorOf(getConversation(db, org, randomUUID()))).code).toBe('conversation_not_found');
  });
});
