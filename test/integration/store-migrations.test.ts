import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkSchema, migrate } from '../../src/store/migrate.ts';
import { engines, errorOf, openStoreUnderTest, type StoreUnderTest } from './store-engines.ts';

// The first start of PGlite computes for two seconds; on a busy machine that is long.
const slowStartMs = 120_000;

const folder = new URL('../../src/store/migrations/', import.meta.url);
const written = readdirSync(folder)
  .map((file) => basename(file, '.ts'))
  .sort();

describe.each(engines)('migrations on %s', (engine) => {
  let underTest: StoreUnderTest;

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine, 'empty');
  }, slowStartMs);
  afterAll(() => underTest.dispose());

  test('four at once all succeed, and each migration is applied once', async () => {
    const { store, another } = underTest;
    expect((await errorOf(checkSchema(store))).code).toBe('schema_missing');
    const stores = engine === 'postgres' ? [store, await another(), await another(), await another()] : [store];
    const applied = await Promise.all(Array.from({ length: 4 }, (_, n) => migrate(stores[n % stores.length] ?? store)));
    expect(applied.flat()).toEqual(written);
    await checkSchema(store);
    expect(await migrate(store)).toEqual([]);
  });

  test('leaves a newer schema alone and says so', async () => {
    const { store } = underTest;
    await migrate(store);
    await sql`insert into schema_migrations (name, timestamp) values ('9999-from-the-future', 'then')`.execute(
      store.db,
    );
    for (const attempt of [migrate, checkSchema]) {
      const error = await errorOf(attempt(store));
      expect(error.code).toBe('schema_newer');
      expect(error.message).toContain('9999-from-the-future');
    }
  });
});
