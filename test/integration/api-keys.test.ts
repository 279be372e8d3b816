import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiKey } from '../../src/contract/api-key.ts';
import { CreatedApiKey } from '../../src/contract/api-key.ts';
import { limits } from '../../src/domain/limits.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest('postgres');
});
afterAll(() => api.close());

const keys = '/api/v1/api-keys';
const organization = '/api/v1/organization';

async function make(input: Record<string, unknown>, as?: string): Promise<CreatedApiKey> {
  const made = await api.send('POST', keys, { name: 'made', scopes: ['read'], ...input }, as);
  expect(made.status).toBe(201);
  return CreatedApiKey.parse(made.body);
}

describe('a key', () => {
  test('is shown once, and listed without itself', async () => {
    const { key, ...shown } = await make({ name: 'of a dashboard', scopes: ['read', 'write'], rateLimit: 50 });
    expect(key).toMatch(/^aw_[\w-]{43}$/);
    expect(key.startsWith(shown.prefix)).toBe(true);
    expect(shown).toMatchObject({ rateLimit: 50, expiresAt: null, lastUsedAt: null, revokedAt: null });
    const list = (await api.get(keys)).body as { items: ApiKey[] };
    expect(list.items[0]).toEqual(shown);
    expect(JSON.stringify(list)).not.toContain(key);
    const { hash } = await api.store.db
      .selectFrom('api_keys')
      .select('hash')
      .where('id', '=', shown.id)
      .executeTakeFirstOrThrow();
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('is listed in pages, and only to its organisation', async () => {
    const { id } = await make({});
    const first = (await api.get(`${keys}?limit=1`)).body as { items: ApiKey[]; next: string };
    expect(first.items.map((item) => item.id)).toEqual([id]);
    const second = (await api.get(`${keys}?limit=1&before=${first.next}`)).body as { items: ApiKey[] };
    expect(second.items[0]?.id).not.toBe(id);
    const rivals = (await api.get(keys, api.rivalKey)).body as { items: ApiKey[] };
    expect(rivals.items.map(({ name }) => name)).toEqual(['test']);
    expectProblem(await api.request('DELETE', `${keys}/${id}`, { key: api.rivalKey }), 404, 'api_key_not_found');
    expectProblem(await api.request('DELETE', `${keys}/nonsense`), 404, 'api_key_not_found');
  });

  test('may do what its scopes allow, and is told which one it lacks', async () => {
    const { key } = await make({ scopes: ['publish'] });
    const refused = expectProblem(await api.get(organization, key), 403, 'forbidden');
    expect(refused.detail).toBe('This needs a key with the scope "read"; the scopes of this one: publish.');
    const writer = await make({ scopes: ['write'] });
    expect((await api.get(organization, writer.key)).status).toBe(200);
    expectProblem(await api.get(keys, writer.key), 403, 'forbidden');
  });

  test('that has expired says so', async () => {
    const expiresAt = new Date(Date.now() - 1_000);
    const { key } = await createApiKey(api.store.db, 'parcels', 'old', { expiresAt });
    const { detail } = expectProblem(await api.get(organization, key), 401, 'unauthorized');
    expect(detail).toBe(`The API key expired at ${expiresAt.toISOString()}.`);
  });

  test('is noted when it is used', async () => {
    const { key, id } = await make({});
    await api.get(organization, key);
    const lastUsed = async () => {
      const { items } = (await api.get(keys)).body as { items: ApiKey[] };
      return items.find((item) => item.id === id)?.lastUsedAt;
    };
    await expect.poll(lastUsed).toEqual(expect.any(String));
    const noted = await lastUsed();
    await api.get(organization, key);
    expect(await lastUsed()).toBe(noted);
  });

  test('that was revoked works no more, at once', async () => {
    const { key, id } = await make({});
    expect((await api.get(organization, key)).status).toBe(200);
    const revoked = await api.request('DELETE', `${keys}/${id}`);
    expect(revoked.body).toMatchObject({ id, revokedAt: expect.any(String) });
    expectProblem(await api.get(organization, key), 401, 'unauthorized');
    expect((await api.request('DELETE', `${keys}/${id}`)).body).toEqual(revoked.body);
  });

  test('is not revoked where it is the last that can make others', async () => {
    await ensureOrganization(api.store.db, { id: 'lonely', name: 'Lonely' });
    const last = await createApiKey(api.store.db, 'lonely', 'last');
    await make({ name: 'reads', scopes: ['read', 'write', 'publish'] }, last.key);
    await createApiKey(api.store.db, 'lonely', 'old', { expiresAt: new Date(0) });
    const revoke = () => api.request('DELETE', `${keys}/${last.id}`, { key: last.key });
    expect(expectProblem(await revoke(), 409, 'last_admin_key').mend).toContain('Make another key');
    await make({ name: 'second', scopes: ['admin'] }, last.key);
    expect((await revoke()).status).toBe(200);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no name', { name: ' ' }, 'name'],
    ['a name of one character too many', { name: 'x'.repeat(limits.apiKeyNameCharacters + 1) }, 'name'],
    ['no scopes', { scopes: [] }, 'scopes'],
    ['an unknown scope', { scopes: ['root'] }, 'scopes.0'],
    ['the scope of the operator', { scopes: ['operator'] }, 'scopes.0'],
    ['a time that has passed', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['a rate of nothing', { rateLimit: 0 }, 'rateLimit'],
    ['too high a rate', { rateLimit: limits.keyRequestsPerSecond + 1 }, 'rateLimit'],
    ['a key of its own', { key: 'aw_0123456789012345678901234567890123456789012' }, 'key'],
  ])('is not made with %s', async (_what, change, field) => {
    const answer = await api.send('POST', keys, { name: 'x', scopes: ['read'], ...change });
    expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual([field]);
  });

  test('is made with the longest name and the highest rate', async () => {
    const name = 'x'.repeat(limits.apiKeyNameCharacters);
    expect(await make({ name, rateLimit: limits.keyRequestsPerSecond })).toMatchObject({ name });
  });
});

describe('the operator', () => {
  const organizations = '/api/v1/organizations';
  let operator: string;
  beforeAll(async () => {
    operator = (await createApiKey(api.store.db, 'parcels', 'operator', { scopes: ['admin', 'operator'] })).key;
  });

  test('makes organisations and their first keys; nobody else does', async () => {
    const florist = { id: 'florist', name: 'Florist' };
    expectProblem(await api.send('POST', organizations, florist), 403, 'forbidden');
    expectProblem(await api.get(organizations), 403, 'forbidden');
    expectProblem(await api.send('POST', `${organizations}/rival/api-keys`, { name: 'x' }), 403, 'forbidden');
    expect(await api.send('POST', organizations, florist, operator)).toMatchObject({ status: 201, body: florist });
    expectProblem(await api.send('POST', organizations, florist, operator), 409, 'organization_exists');

    const made = await api.send('POST', `${organizations}/florist/api-keys`, { name: 'first' }, operator);
    const { key } = CreatedApiKey.parse(made.body);
    expect((await api.get(organization, key)).body).toEqual(florist);
    expect((await make({ name: 'second' }, key)).name).toBe('second');
    const audit = (await api.get('/api/v1/audit?action=organizations.api-keys.create', key)).body;
    expect(audit).toMatchObject({ items: [{ who: 'operator', summary: { name: 'first', scopes: ['admin'] } }] });
    const unknown = await api.send('POST', `${organizations}/nobody/api-keys`, { name: 'x' }, operator);
    expectProblem(unknown, 404, 'organization_not_found');
  });

  test('lists them in pages', async () => {
    const first = (await api.get(`${organizations}?limit=1`, operator)).body as { next: string };
    expect(first).toMatchObject({ items: [{ id: 'florist' }], next: 'florist' });
    const rest = await api.get(`${organizations}?after=${first.next}`, operator);
    expect(rest.body).toMatchObject({ items: [{ id: 'lonely' }, { id: 'parcels' }, { id: 'rival' }], next: null });
  });

  test.each([
    [{ id: 'Not A Slug', name: 'x' }, 'id'],
    [{ id: 'x'.repeat(64), name: 'x' }, 'id'],
    [{ id: 'fine', name: '' }, 'name'],
    [{ id: 'fine', name: 'x'.repeat(limits.organizationNameCharacters + 1) }, 'name'],
  ])('is refused %j', async (input, field) => {
    const answer = await api.send('POST', organizations, input, operator);
    expect(fieldsOf(expectProblem(answer, 400, 'invalid_request'))).toEqual([field]);
  });
});

describe('the audit log', () => {
  test('says who did what when, and shows no secret', async () => {
    const { id, key } = await make({ name: 'of the auditor', scopes: ['admin'] });
    const requestId = 'request-of-the-auditor';
    await api.request('PUT', '/api/v1/egress', {
      key,
      body: JSON.stringify({ allow: ['api.example.com'] }),
      headers: { 'content-type': 'application/json', 'x-request-id': requestId },
    });
    const code = 'def handle_event(context):\n    return 1\n';
    await api.send('PUT', '/api/v1/handlers/audited', { eventType: 'conversation_closed', code }, key);
    await api.send('POST', '/api/v1/handlers/audited/disable', undefined, key);
    await api.send('POST', '/api/v1/handlers/validate', { code }, key);
    await api.request('POST', '/api/v1/handlers/nobody/disable', { key });
    const { items } = (await api.get(`/api/v1/audit?key=${id}`)).body as { items: object[] };
    const told = { keyId: id, who: 'of the auditor', at: expect.any(String) };
    expect(items).toMatchObject([
      { ...told, action: 'handlers.disable', object: 'audited' },
      { ...told, action: 'handlers.set', object: 'audited' },
      { ...told, action: 'egress.set', object: '', requestId, summary: { allow: ['api.example.com'] } },
    ]);
    const everything = JSON.stringify((await api.get('/api/v1/audit?limit=200')).body);
    expect(everything).not.toContain(key);
  });

  test('is filtered and read in pages, by admins of the organisation', async () => {
    const made = await make({ name: 'found', scopes: ['read'] });
    const found = await api.get(`/api/v1/audit?object=${made.id}&action=api-keys.create`);
    expect(found.body).toMatchObject({ items: [{ summary: { name: 'found', scopes: ['read'] } }], next: null });
    const first = (await api.get('/api/v1/audit?limit=1')).body as { next: string; items: { at: string }[] };
    const second = (await api.get(`/api/v1/audit?limit=1&before=${first.next}`)).body as { items: { at: string }[] };
    expect(second.items[0]?.at.localeCompare(first.items[0]?.at ?? '')).toBeLessThanOrEqual(0);
    expect((await api.get('/api/v1/audit?to=2020-01-01T00:00:00Z')).body).toMatchObject({ items: [] });
    const since = (await api.get('/api/v1/audit?from=2020-01-01T00:00:00Z&limit=1')).body;
    expect(since).toMatchObject({ items: [expect.anything()] });
    expect((await api.get(`/api/v1/audit?object=${made.id}`, api.rivalKey)).body).toMatchObject({ items: [] });
    expectProblem(await api.get('/api/v1/audit', made.key), 403, 'forbidden');
  });

  test('holds nothing of a change that was rolled back, and no change without its entry', async () => {
    const { db } = api.store;
    const before = (await api.get('/api/v1/egress')).body;
    await db.schema.alterTable('audit_entries').renameTo('audit_entries_away').execute();
    const answer = await api.send('PUT', '/api/v1/egress', { deny: ['everything.example.com'] });
    await db.schema.alterTable('audit_entries_away').renameTo('audit_entries').execute();
    expectProblem(answer, 500, 'internal');
    expect((await api.get('/api/v1/egress')).body).toEqual(before);
  });
});
