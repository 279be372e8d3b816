import { randomBytes } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { createAnalyticsDelivery } from '../../src/activities/deliver-analytics.ts';
import { createTestSink } from '../../src/activities/test-sink.ts';
import { DeadLetter } from '../../src/contract/dead-letter.ts';
import { Sink } from '../../src/contract/sink.ts';
import { deliveryPolicy } from '../../src/domain/delivery-policy.ts';
import { limits } from '../../src/domain/limits.ts';
import { createHttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { enabledSinkIds } from '../../src/store/sinks.ts';
import { sinkLag } from '../../src/store/sink-lag.ts';
import { startDatalakeReceiver, testCa } from '../setup/datalake-receiver.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { testKeys } from '../setup/keys.ts';
import { aPayload, registerEvents } from '../setup/registered-events.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../setup/webhook-receiver.ts';
import { createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

const policy = { ...deliveryPolicy, redeliveryEveryMs: 0, firstRestMs: 0, longestRestMs: 0 };
/** Of sinks that hang; more than one that works takes on a busy machine. */
const hangingMs = 3_000;
const secret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`;

let api: ApiUnderTest;
let http: ReturnType<ApiUnderTest['connect']>;
let receiver: WebhookReceiver;
const gateway = gatewayToStandIns();
let redeliveriesAsked = 0;

beforeAll(async () => {
  api = await createApiUnderTest();
  http = api.connect(() => Promise.resolve({ duplicate: false }), {
    keys: testKeys,
    testSink: createTestSink({ gateway, keys: testKeys }),
    redeliver: () => {
      redeliveriesAsked += 1;
      return Promise.resolve();
    },
  });
}, 120_000);
afterAll(async () => {
  await gateway.close();
  await api.close();
});
beforeEach(async () => {
  receiver = await startWebhookReceiver();
});
afterEach(async () => {
  await receiver.close();
  for (const { id } of await list()) await http.request('DELETE', `/api/v1/sinks/${id}`);
});

const call = (method: string, path: string, body: unknown = {}, key?: string) =>
  http.send(method, `/api/v1${path}`, body, key);
const list = async () => z.object({ items: z.array(Sink) }).parse((await http.get('/api/v1/sinks')).body).items;

async function webhook(more: object = {}): Promise<Sink> {
  const answer = await call('POST', '/sinks', {
    kind: 'webhook',
    name: 'hook',
    url: `${receiver.url}/in?token=of-the-url`,
    secrets: [secret()],
    ...more,
  });
  expect(answer).toMatchObject({ status: 201 });
  return Sink.parse(answer.body);
}

const delivery = (of: Partial<Parameters<typeof createAnalyticsDelivery>[0]> = {}) =>
  createAnalyticsDelivery({ store: api.store, sinks: [], policy, gateway, keys: testKeys, ...of });
const redeliver = (of?: Parameters<typeof delivery>[0]) =>
  new MockActivityEnvironment().run(delivery(of).redeliverAnalytics);

/** What an execution registers goes to the sinks that are on. */
async function register(keys: readonly string[], organizationId = 'parcels'): Promise<string> {
  const { db } = api.store;
  const payloads = keys.map((key) => aPayload({ key }));
  return registerEvents(db, organizationId, payloads, await enabledSinkIds(db, organizationId));
}

async function statesOf(executionId: string) {
  const { body } = await http.get(`/api/v1/executions/${executionId}`);
  const Events = z.array(
    z.object({
      id: z.string(),
      deliveries: z.array(
        z.object({ sink: z.string(), state: z.string(), tries: z.number(), error: z.string().nullable() }),
      ),
    }),
  );
  const { analyticsEvents } = z.object({ analyticsEvents: Events }).parse(body);
  return analyticsEvents.map(({ id, deliveries }) => ({ id, ...deliveries[0] }));
}

const letters = async (query = '') =>
  z
    .object({ items: z.array(DeadLetter), next: z.string().nullable() })
    .parse((await http.get(`/api/v1/analytics/dead-letters${query}`)).body);

describe('a sink', () => {
  it('is set up, read, changed, switched off and deleted; nothing secret is told', async () => {
    const secrets = [secret(), secret()];
    const hook = await webhook({ secrets });
    expect(hook).toMatchObject({
      kind: 'webhook',
      name: 'hook',
      url: `${receiver.url}/in`,
      secrets: 2,
      enabled: true,
      offReason: null,
      pending: 0,
      dead: 0,
      restsUntil: null,
      lastError: null,
    });
    const lake = Sink.parse(
      (
        await call('POST', '/sinks', {
          kind: 'datalake',
          name: 'lake',
          address: 'datalake.example.com:443',
          caCertificate: testCa,
          metadata: { authorization: 'Bearer of-the-lake' },
        })
      ).body,
    );
    expect(lake).toMatchObject({ tls: true, caCertificate: testCa, deadlineMs: 5_000, metadata: ['authorization'] });
    expect((await list()).map(({ name }) => name)).toEqual(['hook', 'lake']);
    const changed = await call('PATCH', `/sinks/${lake.id}`, { name: 'sea', deadlineMs: 100, caCertificate: null });
    expect(changed.body).toMatchObject({
      name: 'sea',
      deadlineMs: 100,
      caCertificate: null,
      metadata: ['authorization'],
    });
    expect((await call('PATCH', `/sinks/${hook.id}`, { enabled: false })).body).toMatchObject({ enabled: false });
    expect(await enabledSinkIds(api.store.db, 'parcels')).toEqual([lake.id]);
    expect((await http.request('DELETE', `/api/v1/sinks/${lake.id}`)).body).toMatchObject({ name: 'sea' });
    expectProblem(await http.get(`/api/v1/sinks/${lake.id}`), 404, 'sink_not_found');
    const told = JSON.stringify([await list(), await api.store.db.selectFrom('analytics_sinks').selectAll().execute()]);
    for (const hidden of [...secrets, 'of-the-lake', 'of-the-url']) expect(told).not.toContain(hidden);
  });

  it('belongs to its organisation, and needs a key that may', async () => {
    const { id } = await webhook();
    const { rivalKey } = api;
    expect((await http.get('/api/v1/sinks', rivalKey)).body).toMatchObject({ items: [] });
    for (const [method, path] of [
      ['PATCH', `/sinks/${id}`],
      ['DELETE', `/sinks/${id}`],
      ['POST', `/sinks/${id}/test`],
    ] as const) {
      expectProblem(await call(method, path, {}, rivalKey), 404, 'sink_not_found');
    }
    expectProblem(await http.get(`/api/v1/sinks/${id}`, rivalKey), 404, 'sink_not_found');
    expect(await list()).toHaveLength(1);
  });

  it('has a name of its own, and an organisation has ten', async () => {
    const hook = await webhook();
    const same = { kind: 'webhook', name: 'hook', url: receiver.url, secrets: [secret()] };
    expectProblem(await call('POST', '/sinks', same), 409, 'sink_name_taken');
    const other = await webhook({ name: 'other' });
    expectProblem(await call('PATCH', `/sinks/${other.id}`, { name: 'hook' }), 409, 'sink_name_taken');
    for (let n = 2; n < limits.sinksPerOrganization; n += 1) await webhook({ name: `hook ${String(n)}` });
    expectProblem(await call('POST', '/sinks', { ...same, name: 'eleventh' }), 400, 'limit_exceeded');
    await http.request('DELETE', `/api/v1/sinks/${hook.id}`);
    await webhook();
  });

  const hook = { kind: 'webhook', name: 'n', url: 'https://example.com/in', secrets: [secret()] };
  const lake = { kind: 'datalake', name: 'n', address: 'example.com:1' };
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${String(n)}`, 'v']));
  const { sinkDeadlineMs, webhookSecretBytes } = limits;
  test.each([
    [hook, { secrets: [] }, 'secrets'],
    [hook, { secrets: [secret(), secret(), secret()] }, 'secrets'],
    [hook, { secrets: [secret(webhookSecretBytes.least - 1)] }, 'secrets.0'],
    [hook, { secrets: [secret(webhookSecretBytes.most + 1)] }, 'secrets.0'],
    [hook, { secrets: ['a secret'] }, 'secrets.0'],
    [hook, { url: 'ftp://example.com' }, 'url'],
    [hook, { url: 'https://user:word@example.com' }, 'url'],
    [hook, { url: `https://example.com/${'x'.repeat(limits.sinkUrlCharacters)}` }, 'url'],
    [hook, { name: 'x'.repeat(limits.sinkNameCharacters + 1) }, 'name'],
    [hook, { name: ' ' }, 'name'],
    [hook, { name: 'store' }, 'name'],
    [hook, { address: 'example.com:1' }, 'address'],
    [lake, { address: 'example.com' }, 'address'],
    [lake, { address: 'example.com:65536' }, 'address'],
    [lake, { address: 'http://example.com:1' }, 'address'],
    [lake, { caCertificate: 'no certificate' }, 'caCertificate'],
    [lake, { caCertificate: testCa + ' '.repeat(limits.caCertificateBytes) }, 'caCertificate'],
    [lake, { deadlineMs: sinkDeadlineMs.least - 1 }, 'deadlineMs'],
    [lake, { deadlineMs: sinkDeadlineMs.most + 1 }, 'deadlineMs'],
    [lake, { metadata: entries(limits.sinkMetadata + 1) }, 'metadata'],
    [lake, { metadata: { 'grpc-timeout': '1' } }, 'metadata.grpc-timeout'],
    [lake, { metadata: { 'idempotency-key': '1' } }, 'metadata.idempotency-key'],
    [lake, { metadata: { ['x'.repeat(limits.sinkMetadataNameCharacters + 1)]: 'v' } }, /^metadata\.x+$/u],
    [lake, { metadata: { a: 'x'.repeat(limits.sinkMetadataValueCharacters + 1) } }, 'metadata.a'],
    [lake, { metadata: { a: 'line\nend' } }, 'metadata.a'],
    [{ name: 'n' }, { kind: 'queue' }, 'kind'],
  ])('%j with %j is refused', async (good, change, field) => {
    const problem = expectProblem(await call('POST', '/sinks', { ...good, ...change }), 400, 'invalid_request');
    expect(fieldsOf(problem)).toContainEqual(expect.stringMatching(field));
  });

  it('may be everything it may be', async () => {
    await webhook({ secrets: [secret(webhookSecretBytes.least), secret(webhookSecretBytes.most)] });
    const most = {
      ...lake,
      name: 'x'.repeat(limits.sinkNameCharacters),
      address: '[::1]:65535',
      deadlineMs: sinkDeadlineMs.most,
      metadata: { ...entries(limits.sinkMetadata - 1), a: 'x'.repeat(limits.sinkMetadataValueCharacters) },
    };
    expect((await call('POST', '/sinks', most)).status).toBe(201);
  });

  it('takes no field of another kind', async () => {
    const { id } = await webhook();
    const problem = expectProblem(
      await call('PATCH', `/sinks/${id}`, { address: 'example.com:1', tls: false }),
      400,
      'invalid_request',
    );
    expect(fieldsOf(problem)).toEqual(['address', 'tls']);
  });

  it('with something secret needs a server with a key for secrets', async () => {
    const { send } = api.connect(() => Promise.resolve({ duplicate: false }));
    expectProblem(await send('POST', '/api/v1/sinks', hook), 503, 'secrets_key_missing');
    expect((await send('POST', '/api/v1/sinks', { ...lake, name: 'open' })).status).toBe(201);
  });

  it('is tested with one marked event, which is not stored', async () => {
    const key = secret();
    const { id } = await webhook({ secrets: [key], enabled: false });
    const tested = await call('POST', `/sinks/${id}/test`);
    expect(tested.body).toMatchObject({ delivered: true, error: null, ms: expect.any(Number) });
    const [{ headers, body }] = receiver.requests as [WebhookReceiver['requests'][number]];
    expect(new Webhook(key).verify(body, headers)).toMatchObject({
      type: 'analytics_event.test',
      data: { key: 'afterword_test', execution: null, metadata: { afterword_test: true } },
    });
    receiver.answer(500);
    expect((await call('POST', `/sinks/${id}/test`)).body).toMatchObject({
      delivered: false,
      error: 'The webhook answered 500',
    });
    expect((await sinkLag(api.store.db)).find(({ sink }) => sink === id)).toMatchObject({ pending: 0, enabled: false });
  });

  it('is not tested at an address of the inside', async () => {
    const closed = createHttpGateway({ openNetworks: [], origins: new Map() });
    const { send } = api.connect(() => Promise.resolve({ duplicate: false }), {
      keys: testKeys,
      testSink: createTestSink({ gateway: closed, keys: testKeys }),
    });
    const lakeHere = await startDatalakeReceiver();
    const plain = { ...lake, name: 'inside', address: `localhost:${String(lakeHere.port)}`, tls: false };
    const inside = Sink.parse((await call('POST', '/sinks', plain)).body);
    for (const { id } of [await webhook(), inside]) {
      expect((await send('POST', `/api/v1/sinks/${id}/test`, {})).body).toMatchObject({
        delivered: false,
        error: expect.stringContaining('private or local address'),
      });
    }
    expect([receiver.requests, lakeHere.requests]).toEqual([[], []]);
    lakeHere.close();
    await closed.close();
  });
});

describe('a webhook', () => {
  it('is signed as Standard Webhooks, by both secrets while one is being changed', async () => {
    const [older, newer] = [secret(), secret()];
    await webhook({ secrets: [newer, older] });
    const execution = await register(['a']);
    await redeliver();
    const [sent] = receiver.requests;
    const [{ id }] = (await statesOf(execution)) as [{ id: string }];
    expect(sent).toMatchObject({ path: '/in?token=of-the-url', headers: { 'webhook-id': id } });
    for (const key of [older, newer]) {
      expect(new Webhook(key).verify(sent?.body ?? '', sent?.headers ?? {})).toEqual({
        type: 'analytics_event.registered',
        timestamp: '2026-01-05T12:00:00.000000Z',
        data: { id, organization: 'parcels', execution, ...aPayload({ key: 'a' }) },
      });
    }
    const verify = () => new Webhook(secret()).verify(sent?.body ?? '', sent?.headers ?? {});
    expect(verify).toThrow('No matching signature');
    expect(await statesOf(execution)).toMatchObject([{ sink: 'hook', state: 'delivered', tries: 1 }]);
  });

  test.each([
    [200, 'delivered'],
    [204, 'delivered'],
    [301, 'pending'],
    [400, 'dead'],
    [401, 'dead'],
    [404, 'dead'],
    [408, 'pending'],
    [425, 'pending'],
    [429, 'pending'],
    [500, 'pending'],
    [503, 'pending'],
  ])('that answers %i has it %s', async (status, state) => {
    await webhook();
    receiver.answer(status);
    const execution = await register(['a']);
    await redeliver();
    expect(await statesOf(execution)).toMatchObject([{ state, tries: 1 }]);
    receiver.answer(204);
    await redeliver();
    const [after] = await statesOf(execution);
    expect(after?.state).toBe(state === 'pending' ? 'delivered' : state);
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(receiver.requests).toHaveLength(state === 'pending' ? 2 : 1);
  });

  it('is left alone for as long as it asks, until somebody changes it', async () => {
    const { id } = await webhook();
    receiver.answer(429, { 'retry-after': '600' });
    await register(['a', 'b', 'c']);
    await redeliver();
    const asked = receiver.requests.length;
    receiver.answer(204);
    await redeliver();
    expect(receiver.requests).toHaveLength(asked);
    const { body } = await http.get(`/api/v1/sinks/${id}`);
    expect(body).toMatchObject({ pending: 3, lastError: 'The webhook answered 429', restsUntil: expect.any(String) });
    const until = Date.parse(Sink.parse(body).restsUntil ?? '');
    expect(until - Date.now()).toBeGreaterThan(500_000);
    const before = redeliveriesAsked;
    await call('PATCH', `/sinks/${id}`, { secrets: [secret()] });
    expect(redeliveriesAsked).toBe(before + 1);
    await redeliver();
    expect((await http.get(`/api/v1/sinks/${id}`)).body).toMatchObject({ pending: 0, dead: 0, lastError: null });
  });

  it('that is gone (410) is switched off and says why; what waits is sent when it is on again', async () => {
    const { id } = await webhook();
    receiver.answer(410);
    const execution = await register(['a']);
    await redeliver();
    const off = { enabled: false, offReason: 'The webhook answered 410: it wants nothing any more', pending: 1 };
    expect((await http.get(`/api/v1/sinks/${id}`)).body).toMatchObject(off);
    // The workflow of the execution does not go on for it.
    const input = { organizationId: 'parcels', executionId: execution };
    await new MockActivityEnvironment().run(delivery().deliverAnalytics, input);
    expect(await register(['later'])).toBeTruthy();
    receiver.answer(204);
    await redeliver();
    expect(receiver.requests).toHaveLength(1);
    await call('PATCH', `/sinks/${id}`, { enabled: true });
    await redeliver();
    expect(await statesOf(execution)).toMatchObject([{ state: 'delivered' }]);
    expect(
      receiver.requests.map(
        ({ body }) => z.object({ data: z.object({ key: z.string() }) }).parse(JSON.parse(body)).data.key,
      ),
    ).toEqual(['a', 'a']);
  });
});

describe('dead letters', () => {
  async function twoDead(): Promise<{ sink: Sink; execution: string }> {
    const sink = await webhook();
    receiver.answer(422);
    const execution = await register(['a', 'b']);
    await redeliver();
    return { sink, execution };
  }

  it('are listed, and sent again: some, those of a sink, all', async () => {
    const { sink, execution } = await twoDead();
    const { items } = await letters(`?sink=${sink.id}`);
    expect(items).toMatchObject([
      { sink: sink.id, sinkName: 'hook', executionId: execution, event: { key: 'b' }, tries: 1, resendable: true },
      { event: { key: 'a' }, error: 'The webhook answered 422' },
    ]);
    const first = await letters('?limit=1');
    expect(first.items).toEqual(items.slice(0, 1));
    expect((await letters(`?limit=1&before=${String(first.next)}`)).items).toEqual(items.slice(1));
    expect((await letters('?sink=other')).items).toEqual([]);
    const rival = await http.get('/api/v1/analytics/dead-letters', api.rivalKey);
    expect(rival.body).toMatchObject({ items: [] });

    receiver.answer(204);
    const resend = (body: object, key?: string) => call('POST', '/analytics/dead-letters/resend', body, key);
    expect((await resend({ all: true }, api.rivalKey)).body).toEqual({ resent: 0 });
    expect((await resend({ ids: [items[0]?.id] })).body).toEqual({ resent: 1 });
    await redeliver();
    expect((await letters(`?sink=${sink.id}`)).items.map(({ event }) => event.key)).toEqual(['a']);
    expect((await resend({ sink: 'other' })).body).toEqual({ resent: 0 });
    expect((await resend({ sink: sink.id })).body).toEqual({ resent: 1 });
    await redeliver();
    expect(await statesOf(execution)).toMatchObject([
      { state: 'delivered', tries: 2 },
      { state: 'delivered', tries: 2 },
    ]);
    expect((await resend({ all: true })).body).toEqual({ resent: 0 });
  });

  it('of a deleted sink stay to be read; what waited for it is among them', async () => {
    const { sink } = await twoDead();
    await register(['waits']);
    await http.request('DELETE', `/api/v1/sinks/${sink.id}`);
    const { items } = await letters(`?sink=${sink.id}`);
    expect(items.map(({ event, error, resendable }) => [event.key, error, resendable])).toEqual([
      ['waits', 'The sink hook was deleted.', false],
      ['b', 'The webhook answered 422', false],
      ['a', 'The webhook answered 422', false],
    ]);
    expect((await call('POST', '/analytics/dead-letters/resend', { all: true })).body).toEqual({ resent: 0 });
  });

  test.each([
    [{}, ''],
    [{ all: true, sink: 's' }, ''],
    [{ all: false }, 'all'],
    [{ ids: [] }, 'ids'],
    [{ ids: ['x'] }, 'ids.0'],
    [{ ids: Array.from({ length: limits.deadLettersNamed + 1 }, () => `${crypto.randomUUID()}.s`) }, 'ids'],
  ])('%j names none that could be sent again', async (body, field) => {
    const answer = await call('POST', '/analytics/dead-letters/resend', body);
    expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual([field]);
  });
});

describe('many sinks', () => {
  it('of one organisation that hang hold up neither those of another nor its next events', async () => {
    receiver.answer(null);
    for (let n = 0; n < limits.sinksPerOrganization; n += 1) await webhook({ name: `hangs ${String(n)}` });
    await register(Array.from({ length: 10 }, (_, n) => `k${String(n)}`));
    const good = await startWebhookReceiver();
    const sink = { kind: 'webhook', name: 'good', url: good.url, secrets: [secret()] };
    expect((await call('POST', '/sinks', sink, api.rivalKey)).status).toBe(201);
    await register(['theirs'], 'rival');
    const long = { ...policy, eventTimeoutMs: hangingMs, firstRestMs: 600_000, longestRestMs: 600_000 };
    const part = delivery({ policy: long });
    const run = () => new MockActivityEnvironment().run(part.redeliverAnalytics);
    await run();
    expect(good.requests).toHaveLength(1);
    const asked = receiver.requests.length;
    await register(['theirs too'], 'rival');
    await run();
    expect(good.requests).toHaveLength(2);
    expect(receiver.requests).toHaveLength(asked);
    const [theirs] = z
      .object({ items: z.array(Sink) })
      .parse((await http.get('/api/v1/sinks', api.rivalKey)).body).items;
    await http.request('DELETE', `/api/v1/sinks/${String(theirs?.id)}`, { key: api.rivalKey });
    await good.close();
  });

  it('that take nothing at all get no more places on a worker than they may have', async () => {
    receiver.answer(null);
    await webhook();
    const executions: string[] = [];
    for (let n = 0; n < policy.placesOfSink + 3; n += 1) executions.push(await register(['one']));
    const part = delivery({
      policy: { ...policy, eventTimeoutMs: hangingMs, firstRestMs: 600_000, longestRestMs: 600_000 },
    });
    const ended = executions.map((executionId) =>
      new MockActivityEnvironment()
        .run(part.deliverAnalytics, { organizationId: 'parcels', executionId })
        .catch((error: unknown) => error),
    );
    for (const error of await Promise.all(ended)) expect(error).toMatchObject({ type: 'analytics_undelivered' });
    expect(receiver.requests.length).toBeGreaterThan(0);
    expect(receiver.requests.length).toBeLessThanOrEqual(policy.placesOfSink);
  });
});
