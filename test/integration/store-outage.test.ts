import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { openStore, type Store } from '../../src/store/database.ts';
import { checkSchema } from '../../src/store/migrate.ts';
import { createDatabase, type TestDatabase } from '../setup/databases.ts';
import { linkTo, type BreakableLink } from './breakable-link.ts';
import { closed, errorOf, newOrganization } from './store-engines.ts';

let database: TestDatabase;
let line: BreakableLink;
let store: Store;
let org: string;

beforeEach(async () => {
  database = await createDatabase();
  const url = new URL(database.url);
  line = await linkTo({ host: url.hostname, port: Number(url.port) });
  url.port = String(line.port);
  store = await openStore({ databaseUrl: url.href, embeddedFolder: '' });
  org = await newOrganization(store.db);
});
afterEach(async () => {
  await store.close();
  await line.break();
  await database.drop();
});

test('says store_unavailable while the server is away, and works again when it is back', async () => {
  const event = closed();
  await line.break();
  expect((await errorOf(acceptEvent(store.db, org, event))).code).toBe('store_unavailable');
  expect((await errorOf(checkSchema(store))).code).toBe('store_unavailable');
  await line.mend();
  expect(await acceptEvent(store.db, org, event)).toMatchObject({ duplicate: false });
});

test('says store_unavailable to all who were in the middle, and keeps nothing of what they had begun', async () => {
  const event = closed();
  const begun = store.db.transaction().execute(async (trx) => {
    await acceptEvent(trx, org, event);
    await line.break();
    await sql`select 1`.execute(trx);
  });
  const waiting = store.db.transaction().execute((trx) => sql`select pg_sleep(20)`.execute(trx));
  const idle = store.db.transaction().execute(async (trx) => {
    await sql`select 1`.execute(trx);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await sql`select 1`.execute(trx);
  });
  for (const error of await Promise.all([errorOf(begun), errorOf(waiting), errorOf(idle)])) {
    expect(error.code).toBe('store_unavailable');
  }
  await line.mend();
  expect(await acceptEvent(store.db, org, event)).toMatchObject({ duplicate: false });
});

test('recovers from a server that ends its connections', async () => {
  await Promise.all(Array.from({ length: 5 }, () => sql`select pg_sleep(0.05)`.execute(store.db)));
  const busy = errorOf(sql`select pg_sleep(20)`.execute(store.db));
  const other = await openStore({ databaseUrl: database.url, embeddedFolder: '' });
  try {
    const ended = sql<{ ended: boolean }>`
      select pg_terminate_backend(pid) as ended from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and query like '%pg_sleep(20)%'`;
    while ((await ended.execute(other.db)).rows.length === 0);
  } finally {
    await other.close();
  }
  expect((await busy).code).toBe('store_unavailable');
  // The dying connection may be handed out once more before its end is noticed.
  const event = closed();
  await vi.waitFor(() => acceptEvent(store.db, org, event));
});

test('says store_unavailable for a database or a password that is wrong', async () => {
  const noDatabase = new URL(database.url);
  noDatabase.pathname = '/nothing';
  const noPassword = new URL(database.url);
  noPassword.username = 'nobody';
  for (const url of [noDatabase, noPassword]) {
    const wrong = await openStore({ databaseUrl: url.href, embeddedFolder: '' });
    const error = await errorOf(checkSchema(wrong));
    expect(error.code).toBe('store_unavailable');
    await wrong.close();
  }
});
