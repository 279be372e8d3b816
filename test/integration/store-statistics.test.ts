import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from 'kysely';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import type { Database } from '../../src/store/database.ts';
import { analyzeGrownTables, vacuum } from '../../src/store/statistics.ts';
import {
  aConversation,
  aMessage,
  closed,
  engines,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

describe.each(engines)('statistics of tables on %s', (engine) => {
  let underTest: StoreUnderTest;
  let db: Database;

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine);
    db = underTest.store.db;
    // PostgreSQL's own would come between.
    await sql`alter table messages set (autovacuum_enabled = false)`.execute(db);
  });
  afterAll(() => underTest.dispose());

  const messages = (count: number) => Array.from({ length: count }, (_, n) => aMessage(`Message ${n} `.repeat(10)));

  async function rowsCounted(table: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select reltuples::integer as count from pg_class where relname = ${table}`.execute(db);
    return rows[0]?.count ?? 0;
  }

  test('are made when a table has grown, and not again before it has grown to twice that', async () => {
    expect(await analyzeGrownTables(db)).toEqual([]);
    const org = await newOrganization(db);
    await acceptEvent(db, org, closed({ conversation: aConversation({ messages: messages(1_000) }) }));
    expect(await analyzeGrownTables(db)).toEqual(['messages']);
    expect(await rowsCounted('messages')).toBe(1_000);
    expect(await analyzeGrownTables(db)).toEqual([]);
    await acceptEvent(db, org, closed({ conversation: aConversation({ messages: messages(500) }) }));
    expect(await analyzeGrownTables(db)).toEqual([]);
    await acceptEvent(db, org, closed({ conversation: aConversation({ messages: messages(1_000) }) }));
    expect(await analyzeGrownTables(db)).toEqual(['messages']);
  });

  test('vacuum makes the place of removed rows free for new ones', async () => {
    const org = await newOrganization(db);
    const fill = async () => {
      await acceptEvent(db, org, closed({ conversation: aConversation({ messages: messages(3_000) }) }));
      const { rows } = await sql<{ pages: number }>`
        select (pg_relation_size('messages') / 8192)::integer as pages`.execute(db);
      return rows[0]?.pages ?? 0;
    };
    const before = await fill();
    await db.deleteFrom('messages').where('organization_id', '=', org).execute();
    await vacuum(db);
    expect(await fill()).toBeLessThanOrEqual(before);
  });
});
