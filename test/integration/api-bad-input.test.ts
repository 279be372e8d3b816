import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import {
  aConversation,
  anEvent,
  conversationId,
  createApiUnderTest,
  expectProblem,
  fieldsOf,
} from './api-under-test.ts';
import type { JsonValue } from '../../src/contract/json.ts';
import type { Answer, ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
const events = '/api/v1/conversation-events';

beforeAll(async () => {
  api = await createApiUnderTest();
});

afterAll(async () => {
  await api.close();
});

function publish(event: unknown): Promise<Answer> {
  return api.send('POST', events, event);
}

function publishText(body: NonNullable<RequestInit['body']>, contentType = 'application/json'): Promise<Answer> {
  return api.request('POST', events, { body, headers: { 'content-type': contentType } });
}

describe('an event that cannot be taken', () => {
  test('of an unknown type lists the types', async () => {
    const problem = expectProblem(await publish(anEvent({ type: 'conversation_exploded' })), 400, 'unknown_event_type');
    expect(problem.detail).toContain('"conversation_exploded"');
    expect(problem.detail).toContain('conversation_closed, conversation_handed_off, conversation_reopened');
    expect(fieldsOf(problem)).toEqual(['type']);
  });

  test('with neither id nor occurredAt is refused, and nothing of it is stored', async () => {
    const other = '0199a3f0-0000-7000-8000-00000000000a';
    const conversation = aConversation({ id: other, publicId: 'C-none' });
    const answer = await publish(anEvent({ id: undefined, occurredAt: undefined, conversation }));
    expectProblem(answer, 400, 'event_id_missing');
    expectProblem(await api.get(`/api/v1/conversations/${other}`), 404, 'conversation_not_found');
  });

  test('with the id of another conversation’s event is a conflict, and the first stays as it was', async () => {
    const first = await publish(anEvent({ id: 'once-only' }));
    expect(first.status).toBe(202);
    const conversation = aConversation({ id: '0199a3f0-0000-7000-8000-000000000002', publicId: 'C-2' });
    expectProblem(await publish(anEvent({ id: 'once-only', conversation })), 409, 'event_id_reused');
    expect((await publish(anEvent({ id: 'once-only' }))).body).toMatchObject({ duplicate: true });
  });

  test('with the id of an event of another type is a conflict', async () => {
    await publish(anEvent({ id: 'closed' }));
    const answer = await publish(anEvent({ id: 'closed', type: 'conversation_handed_off' }));
    expectProblem(answer, 409, 'event_id_reused');
  });

  test('with a public id of another conversation is a conflict', async () => {
    await publish(anEvent({ id: 'first' }));
    const conversation = aConversation({ id: '0199a3f0-0000-7000-8000-000000000003' });
    expectProblem(await publish(anEvent({ id: 'second', conversation })), 409, 'public_id_taken');
  });

  const nested = (levels: number) =>
    Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 'x') as JsonValue;

  test.each<[string, Record<string, unknown>, string]>([
    ['a customer nested too deeply', { customer: { a: nested(limits.jsonNesting + 1) } }, 'conversation.customer.a'],
    [
      'a browser session nested beyond any stack',
      { browserSession: { a: nested(3_000) } },
      'conversation.browserSession.a',
    ],
    [
      'a customer that is too large',
      { customer: { a: 'x'.repeat(limits.contextObjectBytes - 7) } },
      'conversation.customer',
    ],
    [
      'a message from the year 0',
      { messages: [{ sender: 'bot', timestamp: '0000-01-31T12:00:00Z', content: 'x', channel: 'email' }] },
      'conversation.messages.0.timestamp',
    ],
  ])('with %s says which field it is', async (_, fields, field) => {
    const answer = await publish(anEvent({ id: 'bad-field', conversation: aConversation(fields) }));
    expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual([field]);
  });

  test('is taken with a customer that is as deep, or as large, as it may be', async () => {
    for (const [index, customer] of [
      { a: nested(limits.jsonNesting) },
      { a: 'x'.repeat(limits.contextObjectBytes - 8) },
    ].entries()) {
      const conversation = aConversation({
        id: `0199a3f0-0000-7000-8000-00000000010${String(index)}`,
        publicId: `deep-${String(index)}`,
        customer,
      });
      expect((await publish(anEvent({ id: `deep-${String(index)}`, conversation }))).status).toBe(202);
    }
  });

  test('naming a conversation that nobody sent says so', async () => {
    const event = { id: 'x', type: 'conversation_closed', conversationId: 'C-unknown' };
    expectProblem(await publish(event), 404, 'conversation_not_found');
  });

  test.each([
    ['{"type": ', 'JSON'],
    ['', 'empty'],
    ['not json', 'JSON'],
    ['{"a":1}{"b":2}', 'JSON'],
    ["{'type':'conversation_closed'}", 'JSON'],
  ])('that is malformed JSON (%j) is told why', async (body, why) => {
    const problem = expectProblem(await publishText(body), 400, 'invalid_json');
    expect(problem.detail).toContain(why);
    expect(problem.mend).toContain('application/json');
  });

  test('that is not UTF-8 is refused instead of stored with replacement characters', async () => {
    const bytes = Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]);
    expect(expectProblem(await publishText(bytes), 400, 'invalid_json').detail).toContain('UTF-8');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])('with the content type %s is refused', async (contentType) => {
    const problem = expectProblem(await publishText(JSON.stringify(anEvent()), contentType), 400, 'invalid_json');
    expect(problem.detail).toContain(contentType);
  });

  test.each(['application/json; charset=utf-8', 'APPLICATION/JSON'])(
    'with the content type %s is taken',
    async (type) => {
      expect((await publishText(JSON.stringify(anEvent({ id: type })), type)).status).toBe(202);
    },
  );

  test.each([[[]], [[anEvent()]], ['text'], [3], [null], [true]])(
    'that is no object (%j) is refused',
    async (event) => {
      expect(expectProblem(await publish(event), 400, 'invalid_request').detail).toContain('object');
    },
  );

  test('with everything wrong names every field', async () => {
    const problem = expectProblem(
      await publish({
        id: '',
        type: 'conversation_closed',
        occurredAt: 'yesterday',
        actor: 'ghost',
        conversation: { id: 'no-uuid' },
        extra: 1,
      }),
      400,
      'invalid_request',
    );
    expect(fieldsOf(problem).toSorted()).toEqual(
      [
        'id',
        'occurredAt',
        'actor',
        'conversation.id',
        'conversation.publicId',
        'conversation.subject',
        'conversation.businessSlug',
        'extra',
      ].toSorted(),
    );
    const messages = Object.fromEntries(problem.errors.map(({ field, message }) => [field, message]));
    expect(messages).toMatchObject({
      id: 'must be at least 1 characters long',
      occurredAt: 'expected a time with an offset, such as 2026-01-31T12:00:00Z',
      actor: 'expected one of agent, bot, automation',
      'conversation.id': 'expected a UUID',
      'conversation.publicId': 'is required (string)',
      extra: 'is not a known field',
    });
  });

  test('complains about the shape that was meant, not about both', async () => {
    const message = { sender: 'robot', timestamp: '2026-01-31T11:59:00Z', content: 5, channel: 'email' };
    const conversation = aConversation({ messages: [message] });
    const problem = expectProblem(await publish(anEvent({ conversation })), 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual(['conversation.messages.0.sender', 'conversation.messages.0.content']);
    const named = await publish({ id: 'x', type: 'conversation_closed', conversationId: 7 });
    expect(fieldsOf(expectProblem(named, 400, 'invalid_request'))).toEqual(['conversationId']);
  });

  test('without a type, a conversation or with both kinds of conversation is told which', async () => {
    expect(fieldsOf(expectProblem(await publish(anEvent({ type: undefined })), 400, 'invalid_request'))).toEqual([
      'type',
    ]);
    const none = await publish(anEvent({ conversation: undefined }));
    expect(fieldsOf(expectProblem(none, 400, 'invalid_request'))).toEqual(['conversation']);
    const both = await publish(anEvent({ conversationId: 'C-1' }));
    expect(fieldsOf(expectProblem(both, 400, 'invalid_request'))).toEqual(['conversationId']);
  });

  test('shows ten faults of many', async () => {
    const conversation = aConversation({ messages: Array.from({ length: 500 }, () => ({})) });
    const problem = expectProblem(await publish(anEvent({ conversation })), 400, 'invalid_request');
    expect(problem.errors).toHaveLength(10);
    expect(problem.detail).toContain('and 1990 more');
  });

  test.each([
    ['the event id', { id: 'a\0b' }, 'id'],
    ['the source', { source: 'a\ud800b' }, 'source'],
    ['the subject', { conversation: aConversation({ subject: 'a\0b' }) }, 'conversation.subject'],
    ['the public id', { conversation: aConversation({ publicId: 'a\udfff' }) }, 'conversation.publicId'],
  ])('with a character in %s that cannot be stored names it', async (_what, change, field) => {
    expect(fieldsOf(expectProblem(await publish(anEvent(change)), 400, 'invalid_request'))).toEqual([field]);
  });
});

describe('limits', () => {
  const long = (characters: number) => 'ä'.repeat(characters);
  const cases: [string, string, (text: string) => Record<string, unknown>, number][] = [
    ['event id', 'id', (id) => anEvent({ id }), limits.idCharacters],
    ['source', 'source', (source) => anEvent({ source, id: 'limit-source' }), limits.idCharacters],
    [
      'subject',
      'conversation.subject',
      (subject) => anEvent({ id: 'limit-subject', conversation: aConversation({ subject }) }),
      limits.subjectCharacters,
    ],
    [
      'public id',
      'conversation.publicId',
      (publicId) =>
        anEvent({
          id: 'limit-public',
          conversation: aConversation({ id: '0199a3f0-0000-7000-8000-0000000000aa', publicId }),
        }),
      limits.idCharacters,
    ],
    [
      'channel',
      'conversation.messages.0.channel',
      (channel) =>
        anEvent({
          id: 'limit-channel',
          conversation: aConversation({
            messages: [{ sender: 'bot', timestamp: '2026-01-31T12:00:00Z', content: 'x', channel }],
          }),
        }),
      limits.idCharacters,
    ],
  ];

  test.each(cases)('takes the longest %s and refuses one character more', async (_what, field, event, limit) => {
    expect((await publish(event(long(limit)))).status).toBe(202);
    const problem = expectProblem(await publish(event(long(limit + 1))), 400, 'invalid_request');
    expect(problem.errors).toEqual([{ field, message: `must be at most ${limit} characters long` }]);
  });

  test('refuses a body of more than 20 MB, told by its length or found while reading', async () => {
    const body = Buffer.alloc(limits.requestBodyBytes + 1, ' ');
    const told = await publishTextOf(body, { 'content-length': String(body.length) });
    expect(expectProblem(told, 413, 'payload_too_large').detail).toContain(String(limits.requestBodyBytes));
    expectProblem(await publishTextOf(body, {}), 413, 'payload_too_large');
  });

  test('reads a body of exactly 20 MB', async () => {
    const event = JSON.stringify(anEvent({ id: 'a-large-one' }));
    const body = event.padEnd(limits.requestBodyBytes, ' ');
    expect((await publishTextOf(body, { 'content-length': String(body.length) })).status).toBe(202);
  });

  test('refuses a message of more than 64 KB', async () => {
    const message = {
      sender: 'bot',
      timestamp: '2026-01-31T12:00:00Z',
      channel: 'email',
      content: 'x'.repeat(limits.messageBytes),
    };
    const answer = await publish(anEvent({ id: 'too-long', conversation: aConversation({ messages: [message] }) }));
    expectProblem(answer, 413, 'conversation_too_large');
  });

  function publishTextOf(body: NonNullable<RequestInit['body']>, headers: Record<string, string>): Promise<Answer> {
    return api.request('POST', events, { body, headers: { 'content-type': 'application/json', ...headers } });
  }
});

describe('keys', () => {
  test.each([
    ['no key', undefined],
    ['another scheme', 'Basic YTpi'],
    ['no key after Bearer', 'Bearer'],
    ['an unknown key', 'Bearer aw_0123456789012345678901234567890123456789012'],
    ['two keys', 'Bearer a b'],
  ])('with %s every route under /api is closed', async (_what, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    for (const [method, path] of [
      ['GET', '/api/v1/executions'],
      ['POST', '/api/v1/conversation-events'],
      ['GET', '/api/v1/nowhere'],
      ['DELETE', '/api/v1/handlers'],
    ] as const) {
      const answer = await api.request(method, path, { key: null, headers });
      expectProblem(answer, 401, 'unauthorized');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });

  test('in the header Syllable-API-Key are as good as Bearer tokens, which win where both are there', async () => {
    const asked = (headers: Record<string, string>) =>
      api.request('GET', '/api/v1/organization', { key: null, headers });
    expect((await asked({ 'Syllable-API-Key': api.key })).body).toMatchObject({ id: 'parcels' });
    const both = { 'syllable-api-key': api.key, authorization: `Bearer ${api.rivalKey}` };
    expect((await asked(both)).body).toMatchObject({ id: 'rival' });
    expectProblem(await asked({ 'Syllable-API-Key': 'aw_guess' }), 401, 'unauthorized');
    const empty = expectProblem(await asked({ 'Syllable-API-Key': '' }), 401, 'unauthorized');
    expect(empty.detail).toContain('Syllable-API-Key');
  });

  test('a revoked key is refused within seconds', async () => {
    const { createApiKey } = await import('../../src/store/api-keys.ts');
    const { key, id } = await createApiKey(api.store.db, 'parcels', 'soon revoked');
    expect((await api.get('/api/v1/organization', key)).status).toBe(200);
    await api.store.db.updateTable('api_keys').set({ revoked_at: new Date() }).where('id', '=', id).execute();
    await expect.poll(async () => (await api.get('/api/v1/organization', key)).status, { timeout: 5_000 }).toBe(401);
  });

  test('the log never holds a key', () => {
    expect(api.logLines.join('')).not.toContain(api.key);
  });
});

describe('another organisation', () => {
  test('finds nothing of this one, by whatever id', async () => {
    const code = 'def handle_event(context):\n    return 1\n';
    await api.send('PUT', '/api/v1/handlers/mine', { eventType: 'conversation_closed', code });
    const published = await publish(anEvent({ id: 'private' }));
    const { id } = published.body as { id: string };
    const { body } = await api.get(`/api/v1/conversation-events/${id}/executions`);
    const execution = (body as { items: { id: string; handlerId: string }[] }).items[0];
    const missing: [string, string, string][] = [
      ['GET', `/conversation-events/${id}`, 'event_not_found'],
      ['GET', `/conversation-events/${id}/executions`, 'event_not_found'],
      ['GET', `/conversations/${conversationId}`, 'conversation_not_found'],
      ['GET', '/conversations/C-1', 'conversation_not_found'],
      ['GET', '/handlers/mine', 'handler_not_found'],
      ['GET', `/handlers/${execution?.handlerId ?? ''}`, 'handler_not_found'],
      ['GET', '/handlers/mine/versions', 'handler_not_found'],
      ['POST', '/handlers/mine/disable', 'handler_not_found'],
      ['POST', '/handlers/mine/enable', 'handler_not_found'],
      ['GET', `/executions/${execution?.id ?? ''}`, 'execution_not_found'],
      ['GET', `/executions/${execution?.id ?? ''}/logs`, 'execution_not_found'],
    ];
    for (const [method, path, error] of missing) {
      expect((await api.request(method, `/api/v1${path}`, {})).status, path).toBe(200);
      expectProblem(await api.request(method, `/api/v1${path}`, { key: api.rivalKey }), 404, error);
    }
    const rollback = await api.send('POST', '/api/v1/handlers/mine/rollback', { version: 1 }, api.rivalKey);
    expectProblem(rollback, 404, 'handler_not_found');
    for (const list of ['conversation-events', 'conversations', 'handlers', 'executions']) {
      expect((await api.get(`/api/v1/${list}`, api.rivalKey)).body).toEqual({ items: [], next: null });
    }
    const filtered = await api.get(`/api/v1/executions?event=${id}`, api.rivalKey);
    expect(filtered.body).toEqual({ items: [], next: null });
  });

  test('may use the same ids for its own', async () => {
    await publish(anEvent({ id: 'shared' }));
    const theirs = await api.send('POST', events, anEvent({ id: 'shared' }), api.rivalKey);
    expect(theirs.body).toMatchObject({ duplicate: false });
    expect((await api.get('/api/v1/conversations/C-1', api.rivalKey)).status).toBe(200);
  });
});

describe('routes', () => {
  test('an unknown one is a problem too', async () => {
    expectProblem(await api.get('/api/v1/nowhere'), 404, 'not_found');
    expectProblem(await api.get('/nowhere', null), 404, 'not_found');
  });

  test('a wrong method names the right ones', async () => {
    const answer = await api.request('DELETE', '/api/v1/egress', {});
    expect(expectProblem(answer, 405, 'method_not_allowed').detail).toContain('GET');
    expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(['GET', 'HEAD', 'PUT']);
  });

  test.each([
    ['/conversation-events/nonsense', 'event_not_found'],
    ['/conversation-events/nonsense/executions', 'event_not_found'],
    ['/executions/nonsense', 'execution_not_found'],
    ['/executions/0199a3f0-0000-7000-8000-00000000ffff', 'execution_not_found'],
    ['/executions/0199a3f0-0000-7000-8000-00000000ffff/logs', 'execution_not_found'],
    ['/conversations/nonsense', 'conversation_not_found'],
    ['/conversations/%F0%9F%8E%88', 'conversation_not_found'],
    ['/handlers/nonsense', 'handler_not_found'],
  ])('%s is missing, whatever its id looks like', async (path, code) => {
    expectProblem(await api.get(`/api/v1${path}`), 404, code);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['before=yesterday', 'before'],
    ['status=lost', 'status'],
    ['failed=perhaps', 'failed'],
    ['event=7', 'event'],
    ['conversation=%00', 'conversation'],
    ['colour=red', 'colour'],
  ])('refuses the query %s', async (query, field) => {
    expect(fieldsOf(expectProblem(await api.get(`/api/v1/executions?${query}`), 400, 'invalid_request'))).toEqual([
      field,
    ]);
  });

  test('refuses characters in a path that the database cannot hold', async () => {
    expectProblem(await api.get('/api/v1/handlers/a%00b'), 400, 'invalid_request');
    expectProblem(await api.get('/api/v1/conversations/a%00b'), 400, 'invalid_request');
  });
});
