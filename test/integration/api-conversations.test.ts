import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AppendedMessages } from '../../src/contract/conversation-parts.ts';
import { limits } from '../../src/domain/limits.ts';
import {
  aConversation,
  conversationId,
  createApiUnderTest,
  expectProblem,
  type ApiUnderTest,
} from './api-under-test.ts';

const conversations = '/api/v1/conversations';
const path = `${conversations}/${conversationId}`;
const message = (content: string, more: object = {}) => ({
  sender: 'customer',
  timestamp: '2026-01-31T12:00:00Z',
  content,
  channel: 'email',
  ...more,
});

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest();
  await api.send('PUT', path, aConversation({ customer: { name: 'Ada Lovelace', email: 'ada@example.com' } }));
});
afterAll(() => api.close());

async function append(body: unknown): Promise<unknown> {
  const answer = await api.send('POST', `${conversations}/C-1/messages`, body);
  expect(answer.status).toBe(200);
  return AppendedMessages.parse(answer.body);
}

describe('messages', () => {
  test('are appended once, told by their ids, or by their content', async () => {
    const told = { id: conversationId, publicId: 'C-1' };
    expect(await append(message('one', { id: 'm-1' }))).toEqual({ ...told, added: 1, messageCount: 2 });
    expect(await append(message('changed', { id: 'm-1' }))).toEqual({ ...told, added: 0, messageCount: 2 });
    expect(await append([message('two'), message('two'), message('three')])).toEqual({
      ...told,
      added: 3,
      messageCount: 5,
    });
    expect(await append([message('two'), message('two')])).toMatchObject({ added: 0 });
    const { messages } = (await api.get(path)).body as { messages: { content: string }[] };
    expect(messages.map(({ content }) => content)).toEqual(['Where is it?', 'one', 'two', 'two', 'three']);
  });

  test('that are sent twenty times at once are appended once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => append(message('at once', { id: 'at-once' }))));
    expect(answers.map((answer) => AppendedMessages.parse(answer).added).sort()).toEqual([
      ...Array<number>(19).fill(0),
      1,
    ]);
  });

  test('of an unknown conversation, or too many, or too large, are refused, and nothing is written', async () => {
    expectProblem(await api.send('POST', `${conversations}/C-9/messages`, message('x')), 404, 'conversation_not_found');
    expectProblem(await api.send('POST', `${path}/messages`, [message('x'), {}]), 400, 'invalid_request');
    expectProblem(await api.send('POST', `${path}/messages`, []), 400, 'invalid_request');
    const large = [message('fits'), message('x'.repeat(limits.messageBytes))];
    expectProblem(await api.send('POST', `${path}/messages`, large), 413, 'conversation_too_large');
    expect((await api.get(path)).body).toMatchObject({ messageCount: 6 });
  });
});

test('a conversation is saved under its public id, too', async () => {
  const saved = await api.send('PUT', `${conversations}/C-1`, aConversation({ subject: 'A parcel that came' }));
  expect(saved).toMatchObject({ status: 200, body: { id: conversationId, publicId: 'C-1' } });
  expect((await api.get(path)).body).toMatchObject({
    subject: 'A parcel that came',
    customer: { name: 'Ada Lovelace' },
  });
  expectProblem(await api.send('PUT', `${conversations}/C-2`, aConversation()), 400, 'invalid_request');
});

describe('tags and metadata', () => {
  test('are set and removed by people; again changes nothing', async () => {
    for (let times = 0; times < 2; times += 1) {
      const tagged = await api.send('PUT', `${path}/tags/${encodeURIComponent('VIP / gold')}`, undefined);
      expect(tagged).toMatchObject({ status: 200, body: { tags: ['VIP / gold'] } });
      const set = await api.send('PUT', `${conversations}/C-1/metadata/plan`, { value: `gold ${String(times)}` });
      expect(set).toMatchObject({ status: 200, body: { metadata: { plan: `gold ${String(times)}` } } });
    }
    for (let times = 0; times < 2; times += 1) {
      const untagged = await api.request('DELETE', `${path}/tags/${encodeURIComponent('VIP / gold')}`);
      expect(untagged).toMatchObject({ status: 200, body: { tags: [] } });
      expect(await api.request('DELETE', `${path}/metadata/plan`)).toMatchObject({
        status: 200,
        body: { metadata: {} },
      });
    }
  });

  test('keep to their limits', async () => {
    const put = (what: string, body?: unknown) => api.send('PUT', `${path}/${what}`, body);
    expect((await put(`tags/${'t'.repeat(limits.tagCharacters)}`)).status).toBe(200);
    expectProblem(await put(`tags/${'t'.repeat(limits.tagCharacters + 1)}`), 400, 'invalid_request');
    const key = 'k'.repeat(limits.metadataKeyCharacters);
    expect((await put(`metadata/${key}`, { value: 'v'.repeat(limits.metadataValueCharacters) })).status).toBe(200);
    expectProblem(await put(`metadata/${key}k`, { value: '' }), 400, 'invalid_request');
    expectProblem(
      await put('metadata/k', { value: 'v'.repeat(limits.metadataValueCharacters + 1) }),
      400,
      'invalid_request',
    );
    for (let n = 1; n < limits.metadataPairs; n += 1) await put(`metadata/key-${String(n)}`, { value: '' });
    const problem = await put('metadata/one-more', { value: '' });
    expect(problem.body).toMatchObject({ code: 'limit_exceeded' });
    expect((await put('metadata/key-1', { value: 'again' })).status).toBe(200);
  }, 60_000);
});

test('conversations are found by what they say of themselves, pages and all', async () => {
  for (const [index, name] of ['Grace Hopper', 'ada lovelace 100%'].entries()) {
    const other = aConversation({
      id: `0199a3f0-0000-7000-8000-00000000020${String(index)}`,
      publicId: `D-${String(index)}`,
      subject: `Order_${String(index)}`,
      customer: { name },
    });
    await api.send('PUT', `${conversations}/${String(other.id)}`, other);
  }
  await api.send('PUT', `${conversations}/D-1/tags/vip`, undefined);
  const found = async (query: string) => {
    const { body } = await api.get(`${conversations}?${query}`);
    return (body as { items: { publicId: string }[] }).items.map(({ publicId }) => publicId);
  };
  expect(await found('customer=ADA+LOVE')).toEqual(['D-1', 'C-1']);
  expect(await found('customer=100%25')).toEqual(['D-1']);
  expect(await found('subject=order_')).toEqual(['D-1', 'D-0']);
  expect(await found('publicId=d-')).toEqual(['D-1', 'D-0']);
  expect(await found('tag=vip&customer=ada')).toEqual(['D-1']);
  expect(await found('tag=VIP')).toEqual([]);
  const first = (await api.get(`${conversations}?publicId=d-&limit=1`)).body as { next: string };
  expect(await found(`publicId=d-&limit=1&before=${first.next}`)).toEqual(['D-0']);
  expect((await api.get(`${conversations}?customer=ada`, api.rivalKey)).body).toEqual({ items: [], next: null });
  expectProblem(await api.get(`${conversations}?text=x`), 400, 'invalid_request');
});
