import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { forgetOldAnswers } from '../../src/store/idempotency-keys.ts';
import { anEvent, createApiUnderTest, expectProblem, type Answer, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest('postgres');
});
afterAll(() => api.close());

function publish(key: string, event: unknown, as?: string): Promise<Answer> {
  return api.request('POST', '/api/v1/conversation-events', {
    body: JSON.stringify(event),
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    ...(as === undefined ? {} : { key: as }),
  });
}

const executions = async () => (await api.get('/api/v1/executions')).body as { items: { id: string }[] };

async function pushed(name: string): Promise<void> {
  const code = 'def handle_event(context):\n    return 1\n';
  await api.send('PUT', `/api/v1/handlers/${name}`, { eventType: 'conversation_closed', code });
}

test('the same request with the same key gets the first answer again, and starts nothing', async () => {
  await pushed('once');
  const first = await publish('key-1', anEvent({ id: 'once' }));
  expect(first.status).toBe(202);
  expect(first.headers.get('idempotency-replayed')).toBeNull();
  const startedThen = api.started.length;
  const again = await publish('"key-1"', anEvent({ id: 'once' }));
  expect(again.status).toBe(202);
  expect(again.body).toEqual(first.body);
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.headers.get('content-type')).toBe('application/json');
  expect(again.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(api.started).toHaveLength(startedThen);
  expect((await publish('key-of-another', anEvent({ id: 'once' }))).body).toMatchObject({ duplicate: true });
});

test('a re-run with the same key is one, with its Location', async () => {
  await api.store.db.updateTable('executions').set({ status: 'failed', finished_at: new Date() }).execute();
  const [ended] = (await executions()).items;
  const rerun = (version: string) =>
    api.request('POST', `/api/v1/executions/${ended?.id ?? ''}/rerun`, {
      body: JSON.stringify({ version }),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'rerun-1' },
    });
  const first = await rerun('same');
  expect(first.status).toBe(202);
  const count = (await executions()).items.length;
  const again = await rerun('same');
  expect([again.status, again.body]).toEqual([202, first.body]);
  expect(again.headers.get('location')).toBe(first.headers.get('location'));
  expect((await executions()).items).toHaveLength(count);
  expectProblem(await rerun('newest'), 422, 'idempotency_key_reused');
  const audit = await api.get('/api/v1/audit?action=executions.rerun');
  expect(audit.body).toMatchObject({ items: [{ object: ended?.id }] });
});

test('another body, or another route, with the same key is refused', async () => {
  await publish('key-2', anEvent({ id: 'second' }));
  const other = await publish('key-2', anEvent({ id: 'another' }));
  expect(expectProblem(other, 422, 'idempotency_key_reused').detail).toContain('key-2');
  const elsewhere = await api.request('POST', '/api/v1/test-runs', {
    body: JSON.stringify({ conversation: 'C-1', handler: 'once' }),
    headers: { 'content-type': 'application/json', 'idempotency-key': 'key-2' },
  });
  expectProblem(elsewhere, 422, 'idempotency_key_reused');
});

test('keys are those of one organisation', async () => {
  await publish('key-3', anEvent({ id: 'third' }));
  const theirs = await publish('key-3', anEvent({ id: 'theirs' }), api.rivalKey);
  expect(theirs.status).toBe(202);
  expect(theirs.body).toMatchObject({ duplicate: false });
});

test('while the first is under way the second is told to wait; a first that was lost is begun anew', async () => {
  const begun: (() => void)[] = [];
  const slow = api.connect(async () => {
    await new Promise<void>((resolve) => begun.push(resolve));
    return { duplicate: false };
  });
  const send = () =>
    slow.request('POST', '/api/v1/conversation-events', {
      body: JSON.stringify(anEvent({ id: 'slow' })),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'key-4' },
    });
  const first = send();
  await expect.poll(() => begun.length).toBe(1);
  const second = await send();
  expectProblem(second, 409, 'idempotency_key_in_use');
  expect(second.headers.get('retry-after')).toBe('1');
  begun[0]?.();
  expect((await first).status).toBe(202);
  expect((await send()).body).toEqual((await first).body);

  const table = api.store.db.updateTable('idempotency_keys').where('key', '=', 'key-4');
  const before = (ms: number) => table.set({ status: null, started_at: new Date(Date.now() - ms) }).execute();
  await before(limits.idempotencyClaimMs - 60_000);
  expectProblem(await send(), 409, 'idempotency_key_in_use');
  await before(limits.idempotencyClaimMs + 1_000);
  expect((await send()).body).toMatchObject({ duplicate: true });
});

test('after an error the key can be used again', async () => {
  expectProblem(await publish('key-5', anEvent({ id: 'fifth', type: 'nothing' })), 400, 'unknown_event_type');
  expect((await publish('key-5', anEvent({ id: 'fifth' }))).status).toBe(202);
});

test('a batch of which a part could not be taken is not answered from memory', async () => {
  const send = () =>
    api.request('POST', '/api/v1/conversation-events/batch', {
      body: JSON.stringify([anEvent({ id: 'of-a-batch' })]),
      headers: { 'content-type': 'application/json', 'idempotency-key': 'key-7' },
    });
  const { schema } = api.store.db;
  await schema.alterTable('conversation_events').renameTo('conversation_events_away').execute();
  const failed = await send();
  await schema.alterTable('conversation_events_away').renameTo('conversation_events').execute();
  expect(failed.body).toMatchObject({ results: [{ status: 500 }] });
  expect((await send()).body).toMatchObject({ results: [{ status: 202, duplicate: false }] });
  const again = await send();
  expect(again.headers.get('idempotency-replayed')).toBe('true');
  expect(again.body).toMatchObject({ results: [{ status: 202, duplicate: false }] });
});

test('answers are kept for a day', async () => {
  await publish('key-6', anEvent({ id: 'sixth' }));
  const hours = async (count: number) => {
    const startedAt = new Date(Date.now() - count * 3_600_000);
    await api.store.db
      .updateTable('idempotency_keys')
      .set({ started_at: startedAt })
      .where('key', '=', 'key-6')
      .execute();
  };
  await hours(limits.idempotencyHours - 0.1);
  expectProblem(await publish('key-6', anEvent({ id: 'other' })), 422, 'idempotency_key_reused');
  await hours(limits.idempotencyHours + 0.1);
  expect((await publish('key-6', anEvent({ id: 'other' }))).status).toBe(202);
  await hours(limits.idempotencyHours + 0.1);
  await forgetOldAnswers(api.store.db);
  const left = await api.store.db.selectFrom('idempotency_keys').select('key').where('key', '=', 'key-6').execute();
  expect(left).toEqual([]);
});

test('a key has 1 to 255 printable characters', async () => {
  const longest = 'k'.repeat(limits.idempotencyKeyCharacters);
  expect((await publish(longest, anEvent({ id: 'long' }))).status).toBe(202);
  for (const key of [`${longest}k`, 'schlüssel', '""']) {
    expectProblem(await publish(key, anEvent({ id: 'long' })), 400, 'invalid_request');
  }
});
