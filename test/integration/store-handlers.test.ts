import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { createApiKey, findKey } from '../../src/store/api-keys.ts';
import type { Database } from '../../src/store/database.ts';
import {
  getHandler,
  listHandlers,
  listHandlerVersions,
  pushHandler,
  rollbackHandler,
  setHandlerEnabled,
} from '../../src/store/handlers.ts';
import { ensureOrganization, listOrganizations } from '../../src/store/organizations.ts';
import {
  aHandler,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

describe.each(engines)('handlers and keys on %s', (engine) => {
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

  test('makes a version only when code or settings changed', async () => {
    const push = aHandler('h', { note: 'first' });
    expect(await pushHandler(db, org, push)).toMatchObject({ created: true, changed: true, version: 1, enabled: true });
    expect(await pushHandler(db, org, { ...push, note: 'unused' })).toMatchObject({
      created: false,
      changed: false,
      version: 1,
    });
    expect(await pushHandler(db, org, { ...push, code: 'x = 2' })).toMatchObject({ changed: true, version: 2 });
    const settings = { attempts: 5 };
    expect(await pushHandler(db, org, { ...push, code: 'x = 2', settings })).toMatchObject({ version: 3 });
    const versions = await listHandlerVersions(db, org, 'h');
    expect(versions.map(({ version, note, current }) => ({ version, note, current }))).toEqual([
      { version: 3, note: 'first', current: true },
      { version: 2, note: 'first', current: false },
      { version: 1, note: 'first', current: false },
    ]);
    expect(await getHandler(db, org, 'h')).toMatchObject({ code: 'x = 2', settings, version: 3 });
  });

  test('switches on and off by push or by itself, without a version', async () => {
    const push = aHandler('h', { enabled: false });
    const { id } = await pushHandler(db, org, push);
    expect(await pushHandler(db, org, aHandler('h'))).toMatchObject({ enabled: false, changed: false });
    expect(await setHandlerEnabled(db, org, 'h', true)).toMatchObject({ enabled: true, version: 1 });
    expect(await setHandlerEnabled(db, org, id, false)).toMatchObject({ enabled: false });
    expect(await pushHandler(db, org, { ...push, enabled: true })).toMatchObject({ enabled: true, changed: false });
  });

  test('goes back to an older version, and numbers on after the newest', async () => {
    await pushHandler(db, org, aHandler('h', { code: 'one' }));
    await pushHandler(db, org, aHandler('h', { code: 'two' }));
    expect(await rollbackHandler(db, org, 'h', 1)).toMatchObject({ version: 1 });
    expect((await getHandler(db, org, 'h')).code).toBe('one');
    expect(await pushHandler(db, org, aHandler('h', { code: 'one' }))).toMatchObject({ changed: false, version: 1 });
    expect(await pushHandler(db, org, aHandler('h', { code: 'two' }))).toMatchObject({ changed: true, version: 3 });
    expect((await errorOf(rollbackHandler(db, org, 'h', 4))).code).toBe('version_not_found');
  });

  test('keeps the event type', async () => {
    await pushHandler(db, org, aHandler('h'));
    const error = await errorOf(pushHandler(db, org, aHandler('h', { eventType: 'conversation_handed_off' })));
    expect(error.code).toBe('handler_event_type_fixed');
  });

  test('takes ten pushes at once one after the other', async () => {
    const databases = engine === 'postgres' ? [db, (await underTest.another()).db] : [db];
    const pushed = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        pushHandler(databases[n % databases.length] ?? db, org, aHandler('h', { code: `x = ${n}` })),
      ),
    );
    expect(pushed.filter((handler) => handler.created)).toHaveLength(1);
    expect(pushed.map((handler) => handler.version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const same = await Promise.all(Array.from({ length: 10 }, () => pushHandler(db, org, aHandler('same'))));
    expect(same.filter((handler) => handler.changed)).toHaveLength(1);
  });

  test('takes code of 256 KB and refuses one byte more', async () => {
    const code = 'é'.repeat(limits.handlerCodeBytes / 2);
    await pushHandler(db, org, aHandler('h', { code }));
    expect((await getHandler(db, org, 'h')).code).toBe(code);
    const error = await errorOf(pushHandler(db, org, aHandler('h', { code: `${code}x` })));
    expect(error).toMatchObject({ code: 'invalid_handler', fields: [{ field: 'code' }] });
  });

  test('never shows a handler to another organisation, which may have one of the same name', async () => {
    const { id } = await pushHandler(db, org, aHandler('b'));
    await pushHandler(db, org, aHandler('a'));
    const other = await newOrganization(db);
    for (const name of ['b', id]) {
      for (const attempt of [
        () => getHandler(db, other, name),
        () => setHandlerEnabled(db, other, name, false),
        () => listHandlerVersions(db, other, name),
        () => rollbackHandler(db, other, name, 1),
      ]) {
        expect((await errorOf(attempt())).code).toBe('handler_not_found');
      }
    }
    await pushHandler(db, other, aHandler('b', { eventType: 'conversation_handed_off' }));
    expect((await listHandlers(db, org)).map((handler) => handler.name)).toEqual(['a', 'b']);
    expect(await listHandlers(db, other)).toMatchObject([{ name: 'b', version: 1 }]);
  });

  test('answers a name that PostgreSQL cannot compare as an input that is not valid', async () => {
    expect((await errorOf(getHandler(db, org, 'a\0b'))).code).toBe('invalid_request');
  });

  test('knows a key by its hash, until it is revoked', async () => {
    const made = await createApiKey(db, org, 'platform');
    expect(made.key).toMatch(/^aw_[A-Za-z0-9_-]{43}$/);
    expect(made.key.startsWith(made.prefix)).toBe(true);
    expect(await findKey(db, made.key)).toMatchObject({ organizationId: org, keyId: made.id, scopes: ['admin'] });
    expect(await findKey(db, `${made.key}x`)).toBeUndefined();
    const rows = await db.selectFrom('api_keys').selectAll().where('organization_id', '=', org).execute();
    expect(JSON.stringify(rows)).not.toContain(made.key);
    await db.updateTable('api_keys').set({ revoked_at: new Date() }).where('id', '=', made.id).execute();
    expect(await findKey(db, made.key)).toBeUndefined();
  });

  test('registers an operator’s own key once', async () => {
    const key = `own key of ${org}`;
    const first = await createApiKey(db, org, 'admin', { key });
    expect(await createApiKey(db, org, 'admin', { key })).toEqual(first);
    expect((await errorOf(createApiKey(db, await newOrganization(db), 'admin', { key }))).code).toBe('invalid_request');
  });

  test('makes an organisation once', async () => {
    await ensureOrganization(db, { id: org, name: 'Another name' });
    expect(await listOrganizations(db, { limit: 1_000 })).toContainEqual({ id: org, name: 'Test' });
  });
});
