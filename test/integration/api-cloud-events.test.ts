import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PublishedBatch, PublishedEvent } from '../../src/contract/conversation-event.ts';
import { StartedReruns } from '../../src/contract/rerun.ts';
import { limits } from '../../src/domain/limits.ts';
import { settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import {
  aConversation,
  anEvent,
  conversationId,
  createApiUnderTest,
  expectProblem,
  fieldsOf,
  type ApiUnderTest,
} from './api-under-test.ts';

const events = '/api/v1/conversation-events';
const code = 'def handle_event(context):\n    return 1\n';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest();
  for (const name of ['a', 'b']) {
    await api.send('PUT', `/api/v1/handlers/${name}`, { eventType: 'conversation_closed', code });
  }
  await api.send('POST', events, anEvent({ id: 'known' }));
});
afterAll(() => api.close());

function aCloudEvent(change: Record<string, unknown> = {}) {
  return {
    specversion: '1.0',
    id: 'cloud-1',
    source: '/desk/eu',
    type: 'com.example.desk.conversation_closed',
    time: '2026-01-31T13:00:00+01:00',
    subject: conversationId,
    datacontenttype: 'application/json',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    data: { actor: 'bot', conversation: aConversation() },
    ...change,
  };
}

function send(contentType: string, body: unknown, headers: Record<string, string> = {}, path = events) {
  return api.request('POST', path, {
    body: body === undefined ? null : JSON.stringify(body),
    headers: { 'content-type': contentType, ...headers },
  });
}

async function stored(id: string) {
  return (await api.get(`${events}/${id}`)).body;
}

describe('a CloudEvent', () => {
  const expected = {
    eventId: 'cloud-1',
    source: '/desk/eu',
    type: 'conversation_closed',
    occurredAt: '2026-01-31T12:00:00.000Z',
    conversationId,
    actor: 'bot',
  };

  test('structured is the event it describes', async () => {
    const answer = await send('application/cloudevents+json; charset=utf-8', aCloudEvent());
    expect(answer.status).toBe(202);
    expect(await stored(PublishedEvent.parse(answer.body).id)).toMatchObject(expected);
  });

  test('binary is the same event, its attributes percent-decoded', async () => {
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'cloud%2D1',
      'ce-source': '/desk/eu',
      'ce-type': 'conversation_closed',
      'ce-time': '2026-01-31T12:00:00Z',
      'ce-subject': conversationId,
    };
    const answer = await send('application/json', { actor: 'bot', conversation: aConversation() }, headers);
    expect(answer).toMatchObject({ status: 202, body: { eventId: 'cloud-1', duplicate: true } });
  });

  test('names a known conversation by its subject, data or no data', async () => {
    const byPublicId = await send(
      'application/cloudevents+json',
      aCloudEvent({ id: 'c-2', subject: 'C-1', data: null }),
    );
    expect(await stored(PublishedEvent.parse(byPublicId.body).id)).toMatchObject({ conversationId });
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'c-3', 'ce-source': 's', 'ce-type': 'x.conversation_reopened' };
    const response = await api.request('POST', events, { headers: { ...headers, 'ce-subject': 'C-1' } });
    expect(response.status).toBe(202);
    expect(await stored(PublishedEvent.parse(response.body).id)).toMatchObject({ type: 'conversation_reopened' });
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['of another version', { specversion: '0.3' }, ['specversion']],
    ['without an id', { id: '' }, ['id']],
    ['without a source', { source: undefined }, ['source']],
    ['at no time', { time: 'noon' }, ['time']],
    ['of bytes', { data: undefined, data_base64: 'AA==' }, ['data_base64']],
    ['of XML', { datacontenttype: 'text/xml', data: '<a/>' }, ['datacontenttype', 'data']],
    ['whose subject is another conversation', { subject: 'C-9' }, ['subject']],
    ['with an unknown field in its data', { data: { conversation: aConversation(), agent: 'x' } }, ['agent']],
    [
      'with a bad message',
      { data: { conversation: aConversation({ messages: [{}] }) } },
      ['conversation.messages.0.sender'],
    ],
  ])('%s is told what is wrong', async (_what, change, fields) => {
    const answer = await send('application/cloudevents+json', aCloudEvent({ id: 'bad', ...change }));
    expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual(expect.arrayContaining(fields));
  });

  test('of an unknown type, or no JSON, is refused like an event of ours', async () => {
    const unknown = await send('application/cloudevents+json', aCloudEvent({ type: 'com.example.exploded' }));
    expectProblem(unknown, 400, 'unknown_event_type');
    const broken = { body: '{', headers: { 'content-type': 'application/cloudevents+json' } };
    expectProblem(await api.request('POST', events, broken), 400, 'invalid_json');
  });
});

describe('a batch', () => {
  test('has one result each; a bad one does not spoil the others', async () => {
    const starts = api.started.length;
    const answer = await send(
      'application/json',
      [
        anEvent({ id: 'batch-1' }),
        anEvent({ id: 'batch-2', type: 'nothing' }),
        'text',
        anEvent({ id: 'batch-1' }),
        { id: 'batch-3', type: 'conversation_closed', conversationId: 'C-unknown' },
        { id: 'batch-4', type: 'conversation_closed', conversationId: 'C-1', actor: 'bot\u0000' },
        { id: 'batch-5', type: 'conversation_handed_off', conversationId: 'C-1' },
      ],
      {},
      `${events}/batch`,
    );
    expect(answer.status).toBe(200);
    const { results } = PublishedBatch.parse(answer.body);
    expect(results).toMatchObject([
      { status: 202, eventId: 'batch-1', duplicate: false },
      { status: 400, problem: { code: 'unknown_event_type' } },
      { status: 400, problem: { code: 'invalid_request' } },
      { status: 202, eventId: 'batch-1', duplicate: true },
      { status: 404, problem: { code: 'conversation_not_found' } },
      { status: 400, problem: { code: 'invalid_request', errors: [{ field: 'actor' }] } },
      { status: 202, eventId: 'batch-5', duplicate: false },
    ]);
    expect(api.started).toHaveLength(starts + 2);
  });

  test('of CloudEvents is taken on both routes', async () => {
    for (const path of [events, `${events}/batch`]) {
      const batch = [aCloudEvent({ id: 'cloud-batch' }), aCloudEvent({ specversion: '2.0' })];
      const answer = await send('application/cloudevents-batch+json', batch, {}, path);
      expect(answer.status).toBe(200);
      expect(PublishedBatch.parse(answer.body).results).toMatchObject([
        { status: 202, eventId: 'cloud-batch', duplicate: path !== events },
        { status: 400, problem: { errors: [{ field: 'specversion' }] } },
      ]);
    }
  });

  test('takes 1,000 events and refuses one more', async () => {
    const last = { id: 'last', type: 'conversation_reopened', conversationId: 'C-1' };
    const batch = [...Array.from({ length: limits.eventsPerRequest - 1 }, () => ({})), last];
    const refused = await send('application/json', [{}, ...batch], {}, `${events}/batch`);
    expect(expectProblem(refused, 400, 'invalid_request').detail).toContain('these are 1001');
    const answer = await send('application/json', batch, {}, `${events}/batch`);
    const { results } = PublishedBatch.parse(answer.body);
    expect(results).toHaveLength(limits.eventsPerRequest);
    expect(results.at(-1)).toMatchObject({ status: 202, eventId: 'last' });
  });

  test.each([[[]], [{}], ['text'], [null]])('that is %j is refused', async (body) => {
    expectProblem(await send('application/json', body, {}, `${events}/batch`), 400, 'invalid_request');
    expectProblem(await send('application/cloudevents-batch+json', body), 400, 'invalid_request');
  });
});

describe('an event whose handlers ran', () => {
  test('is run again as a whole, what can be', async () => {
    const { id } = PublishedEvent.parse((await api.send('POST', events, anEvent({ id: 'again' }))).body);
    const path = `${events}/${id}/rerun`;
    expectProblem(await api.send('POST', path, {}), 409, 'execution_not_ended');
    const { items } = (await api.get(`${events}/${id}/executions`)).body as { items: { id: string }[] };
    const end = (executionId: string) =>
      settleExecution(api.store.db, {
        organizationId: 'parcels',
        executionId,
        status: 'failed',
        reason: null,
        error: null,
        claimFor: null,
      });
    await end(items[0]?.id ?? '');
    const part = await api.send('POST', path, {});
    expect(part.status).toBe(202);
    expect(StartedReruns.parse(part.body)).toMatchObject({
      items: [{ rerunOf: items[0]?.id, fresh: false, answersFrom: [items[0]?.id] }],
      refused: [{ executionId: items[1]?.id, problem: { code: 'execution_not_ended' } }],
    });
    await end(items[1]?.id ?? '');
    const all = StartedReruns.parse((await api.send('POST', path, { fresh: true })).body);
    expect(all.items.map(({ rerunOf }) => rerunOf).sort()).toEqual(items.map((item) => item.id).sort());
    expect(all.refused).toEqual([]);
  });

  test('is found by its own organisation only', async () => {
    const { id } = PublishedEvent.parse((await api.send('POST', events, anEvent({ id: 'mine' }))).body);
    expectProblem(await api.send('POST', `${events}/${id}/rerun`, {}, api.rivalKey), 404, 'event_not_found');
    expectProblem(await api.send('POST', `${events}/nothing/rerun`, {}), 404, 'event_not_found');
  });

  test('without handlers has nothing to run', async () => {
    const event = anEvent({ id: 'nothing', type: 'conversation_reopened' });
    const { id } = PublishedEvent.parse((await api.send('POST', events, event)).body);
    expect((await api.send('POST', `${events}/${id}/rerun`, {})).body).toEqual({ items: [], refused: [] });
  });
});
