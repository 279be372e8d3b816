import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AfterwordError } from '../../src/domain/errors.ts';
import { createRelay } from '../../src/relay/relay.ts';
import type { UnclaimedEvent } from '../../src/store/conversation-events.ts';
import {
  aConversation,
  anEvent,
  conversationId,
  createApiUnderTest,
  expectProblem,
  fieldsOf,
} from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
const startRun = () => Promise.resolve({ duplicate: false });

beforeAll(async () => {
  api = await createApiUnderTest();
});

afterAll(async () => {
  await api.close();
});

describe('conversations', () => {
  const put = (id: string, conversation: unknown) => api.send('PUT', `/api/v1/conversations/${id}`, conversation);

  test('are saved, grow by their new messages and keep what is left out', async () => {
    const saved = await put(conversationId, aConversation({ customer: { urn: 'tel:+1' } }));
    expect(saved).toMatchObject({ status: 200, body: { id: conversationId, publicId: 'C-1', messageCount: 1 } });
    const messages = [
      { sender: 'customer', timestamp: '2026-01-31T11:59:00Z', content: 'Where is it?', channel: 'email' },
      { sender: 'agent', timestamp: '2026-01-31T12:00:00Z', content: 'Here.', channel: 'email' },
    ];
    expect((await put(conversationId, aConversation({ messages }))).body).toMatchObject({ messageCount: 2 });
    expect((await api.get(`/api/v1/conversations/${conversationId}`)).body).toMatchObject({
      subject: 'A late parcel',
      customer: { urn: 'tel:+1' },
      messageCount: 2,
      messages,
      tags: [],
      metadata: {},
      timeline: [],
    });
  });

  test('the id in the path is the id or the public id in the body', async () => {
    const conversation = aConversation();
    expect((await put('C-1', conversation)).status).toBe(200);
    for (const wrong of ['0199a3f0-0000-7000-8000-000000000009', 'C-2']) {
      const answer = await put(wrong, conversation);
      expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual(['id']);
    }
  });

  test('are listed without their messages', async () => {
    const { items } = (await api.get('/api/v1/conversations?limit=1')).body as { items: unknown[] };
    expect(items).toHaveLength(1);
    expect(items[0]).not.toHaveProperty('messages');
  });
});

describe('executions', () => {
  test('are filtered by handler, event, conversation and status, and shown in full', async () => {
    for (const name of ['x', 'y']) {
      await api.send('PUT', `/api/v1/handlers/${name}`, { eventType: 'conversation_handed_off', code: 'x = 1' });
    }
    const published = await api.send(
      'POST',
      '/api/v1/conversation-events',
      anEvent({ id: 'e', type: 'conversation_handed_off' }),
    );
    const { id: eventId } = published.body as { id: string };
    const list = async (query: string) =>
      (await api.get(`/api/v1/executions?${query}`)).body as {
        items: { id: string; handlerName: string }[];
        next: string | null;
      };

    expect((await list('handler=x')).items.map(({ handlerName }) => handlerName)).toEqual(['x']);
    expect((await list(`event=${eventId}`)).items).toHaveLength(2);
    expect((await list('conversation=C-1')).items).toHaveLength(2);
    expect((await list(`conversation=${conversationId}`)).items).toHaveLength(2);
    expect((await list('conversation=C-2')).items).toEqual([]);
    expect((await list('status=waiting')).items).toHaveLength(2);
    expect((await list('status=succeeded')).items).toEqual([]);
    expect((await list('failed=true')).items).toEqual([]);
    expect((await list('failed=false')).items).toHaveLength(2);

    const first = await list('limit=1');
    const second = await list(`limit=1&before=${first.next ?? ''}`);
    expect(second.next).toBeNull();
    expect([...first.items, ...second.items].map(({ handlerName }) => handlerName).toSorted()).toEqual(['x', 'y']);

    const id = first.items[0]?.id ?? '';
    expect((await api.get(`/api/v1/executions/${id}`)).body).toMatchObject({
      id,
      status: 'waiting',
      attemptLog: [],
      calls: [],
    });
    expect((await api.get(`/api/v1/executions/${id}/logs`)).body).toMatchObject({ stdout: '', stderr: '' });
    expectProblem(await api.get(`/api/v1/executions/${id}/logs?attempt=0`), 400, 'invalid_request');
  });
});

describe('the service', () => {
  test('says whose key it is', async () => {
    expect((await api.get('/api/v1/organization')).body).toEqual({ id: 'parcels', name: 'Parcels' });
    expect((await api.get('/api/v1/organization', api.rivalKey)).body).toEqual({ id: 'rival', name: 'Rival' });
  });

  test('is alive and ready, and degraded but accepting while Temporal is away or the relay late', async () => {
    expect((await api.get('/healthz', null)).body).toEqual({ status: 'ok' });
    const states = { store: 'ok', temporal: 'ok', relay: 'ok', relayLagMs: 0, sinkLagMs: 0 };
    const ready = { status: 'ready', ...states, workers: 1, cage: 'full' };
    expect(await api.get('/readyz', null)).toMatchObject({ status: 200, body: ready });
    api.health.temporalAway = true;
    const away = await api.get('/readyz', null);
    expect(away).toMatchObject({
      status: 200,
      body: { ...states, status: 'degraded', temporal: 'away', workers: null, cage: null },
    });
    api.health.temporalAway = false;
    api.health.relayLagMs = 61_000;
    const late = await api.get('/readyz', null);
    expect(late).toMatchObject({ status: 200, body: { status: 'degraded', relay: 'late', relayLagMs: 61_000 } });
    api.health.relayLagMs = 0;
  });

  test('tells of the workers the one that locks handlers up worst', async () => {
    const cases = [
      [[], 'degraded', null],
      [['full', 'no_landlock', 'full'], 'ready', 'no_landlock'],
      [['deno_only', 'no_landlock'], 'ready', 'deno_only'],
      [['full', 'unsandboxed'], 'ready', 'unsandboxed'],
      [['refused', 'full'], 'degraded', 'refused'],
    ] as const;
    for (const [workers, status, cage] of cases) {
      api.health.workers = [...workers];
      const { body } = await api.get('/readyz', null);
      expect(body).toMatchObject({ status, workers: workers.length, cage });
    }
    api.health.workers = ['full'];
  });

  test('describes every route in OpenAPI 3.1', async () => {
    const { status, body } = await api.get('/openapi.json', null);
    expect(status).toBe(200);
    const document = body as {
      openapi: string;
      paths: Record<string, Record<string, unknown>>;
      components: { schemas: object };
    };
    expect(document.openapi).toBe('3.1.0');
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // Syllable's route is answered without its last slash too, and described once.
    const undescribed = ['/openapi.json', '/api/v1/events'];
    const served = api.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !undescribed.includes(path) && !path.startsWith('/docs'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    expect(described.toSorted()).toEqual([...new Set(served)].toSorted());
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining([
        'ConversationEventInput',
        'Execution',
        'ExecutionDetail',
        'HandlerPushBody',
        'Message',
        'Problem',
      ]),
    );
  });

  test('sends security headers, a request id and no CORS', async () => {
    const { headers } = await api.request('GET', '/api/v1/handlers', { headers: { origin: 'https://evil.example' } });
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('access-control-allow-origin')).toBeNull();
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const given = await api.request('GET', '/healthz', { headers: { 'x-request-id': 'mine-1' } });
    expect(given.headers.get('x-request-id')).toBe('mine-1');
    const forged = await api.request('GET', '/healthz', { headers: { 'x-request-id': 'a b"c' } });
    expect(forged.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the relay', () => {
  /** Makes all waiting events due now. */
  async function letAllBeDue(): Promise<void> {
    await api.store.db
      .updateTable('conversation_events')
      .set({ relay_at: new Date(0) })
      .execute();
  }

  async function publish(...ids: string[]): Promise<string[]> {
    const workflowIds: string[] = [];
    for (const id of ids) {
      const { body } = await api.send('POST', '/api/v1/conversation-events', anEvent({ id }));
      workflowIds.push((body as { workflowId: string }).workflowId);
    }
    return workflowIds;
  }

  test('starts what nobody took up, once, and looks again in ten minutes', async () => {
    const [workflowId] = await publish('left behind');
    await letAllBeDue();
    const started: UnclaimedEvent[] = [];
    const startEvent = (event: UnclaimedEvent) => {
      started.push(event);
      return Promise.resolve({ duplicate: false });
    };
    const relays = [1, 2].map(() => createRelay({ ...api, startRun, startEvent, intervalMs: 20 }));
    for (const relay of relays) relay.start();
    await expect.poll(() => started.map((event) => event.workflowId)).toContain(workflowId);
    await expect.poll(() => relays.map((relay) => relay.lagMs())).toEqual([0, 0]);
    const event = started.find((one) => one.workflowId === workflowId);
    expect(event).toMatchObject({ organizationId: 'parcels', type: 'conversation_closed', conversationId });
    const starts = started.length;
    // Two relays may both have seen the event; afterwards neither looks again.
    expect(starts).toBeLessThanOrEqual(2 * new Set(started.map(({ id }) => id)).size);
    const { relay_at: again } = await api.store.db
      .selectFrom('conversation_events')
      .select('relay_at')
      .where('workflow_id', '=', workflowId ?? '')
      .executeTakeFirstOrThrow();
    expect(again.getTime()).toBeGreaterThan(Date.now() + 9 * 60_000);
    await Promise.all(relays.map((relay) => relay.stop()));
    expect(started).toHaveLength(starts);
  });

  test('says once that Temporal is away and once that it is back, and then starts what waited', async () => {
    const workflowIds = await publish('away 1', 'away 2');
    await letAllBeDue();
    api.logLines.length = 0;
    let away = true;
    let tries = 0;
    const started: string[] = [];
    const relay = createRelay({
      ...api,
      startRun,
      intervalMs: 20,
      startEvent: ({ workflowId }) => {
        tries += 1;
        if (away) return Promise.reject(new AfterwordError('temporal_unavailable', 'away'));
        started.push(workflowId);
        return Promise.resolve({ duplicate: true });
      },
    });
    relay.start();
    await expect.poll(() => tries).toBeGreaterThan(0);
    const triesAtFirst = tries;
    await expect.poll(() => tries, { timeout: 5_000 }).toBeGreaterThan(triesAtFirst);
    expect(relay.lagMs()).toBeGreaterThan(900);
    away = false;
    await expect.poll(() => started, { timeout: 5_000 }).toEqual(expect.arrayContaining(workflowIds));
    await expect.poll(() => relay.lagMs()).toBe(0);
    await relay.stop();
    expect(api.logLines.filter((line) => line.includes('cannot work'))).toHaveLength(1);
    expect(api.logLines.filter((line) => line.includes('works again'))).toHaveLength(1);
  });

  test('goes on after an event that cannot be started', async () => {
    const [bad, good] = await publish('bad', 'good');
    await letAllBeDue();
    const started: string[] = [];
    const relay = createRelay({
      ...api,
      startRun,
      intervalMs: 20,
      startEvent: ({ workflowId }) => {
        if (workflowId === bad) return Promise.reject(new Error('poison'));
        started.push(workflowId);
        return Promise.resolve({ duplicate: false });
      },
    });
    relay.start();
    await expect.poll(() => started).toContain(good);
    await expect.poll(() => api.logLines.filter((line) => line.includes('poison'))).toHaveLength(1);
    await expect.poll(() => relay.lagMs()).toBe(0);
    await relay.stop();
  });

  test('starts at most ten at once, and more than a hundred without waiting between', async () => {
    await publish('first of many');
    await sql`
      insert into conversation_events (id, organization_id, source, event_id, type, conversation_id, occurred_at,
        received_at, context, message_seq, workflow_id, relay_at)
      select gen_random_uuid(), organization_id, 'copies', n::text, type, conversation_id, occurred_at, received_at,
        context, message_seq, workflow_id || n, relay_at
      from conversation_events, generate_series(1, 119) as n where event_id = 'first of many'`.execute(api.store.db);
    await letAllBeDue();
    let underWay = 0;
    let most = 0;
    let ended = 0;
    const relay = createRelay({
      ...api,
      startRun,
      intervalMs: 60_000,
      startEvent: async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        ended += 1;
        return { duplicate: false };
      },
    });
    relay.start();
    await expect.poll(() => ended, { timeout: 20_000 }).toBeGreaterThanOrEqual(120);
    await relay.stop();
    expect(most).toBe(10);
  });

  test('stops at once between two looks', async () => {
    const relay = createRelay({
      ...api,
      startRun,
      startEvent: () => Promise.resolve({ duplicate: false }),
      intervalMs: 60_000,
    });
    relay.start();
    const begin = performance.now();
    await relay.stop();
    expect(performance.now() - begin).toBeLessThan(2_000);
  });
});

describe('while the database is away', () => {
  test('every route answers 503 with Retry-After, shows no address, and the process lives', async () => {
    api.logLines.length = 0;
    const { key } = api;
    await api.store.close();
    const answers = [
      await api.get('/api/v1/handlers'),
      await api.send('POST', '/api/v1/conversation-events', anEvent({ id: 'refused' })),
      await api.get('/api/v1/executions', 'aw_some-other-key'),
    ];
    for (const answer of answers) {
      const problem = expectProblem(answer, 503, 'store_unavailable');
      expect(problem.detail).toBe('The database cannot be reached.');
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    expect(await api.get('/readyz', null)).toMatchObject({ status: 503, body: { status: 'unready', store: 'away' } });
    expect(await api.get('/healthz', null)).toMatchObject({ status: 200 });
    expect(api.logLines.filter((line) => line.includes('The request failed'))).toHaveLength(3);
    expect(api.logLines.join('')).not.toContain(key);
  });

  test('the relay says so once', async () => {
    api.logLines.length = 0;
    let starts = 0;
    const relay = createRelay({
      ...api,
      startRun,
      intervalMs: 10,
      startEvent: () => Promise.resolve({ duplicate: (starts++, false) }),
    });
    relay.start();
    await expect.poll(() => relay.lagMs(), { timeout: 5_000 }).toBeGreaterThan(1_200);
    await relay.stop();
    expect(starts).toBe(0);
    expect(api.logLines.filter((line) => line.includes('cannot work'))).toHaveLength(1);
  });
});
