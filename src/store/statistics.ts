import { sql } from 'kysely';
import type { Database } from './database.ts';

/** Any plan reads them quickly. */
const fewPages = 8;

/**
 * Counts anew what stands in tables that have grown to twice their size since they were counted; answers their names. What PostgreSQL
 * knows nothing of it may look up by reading all of an organisation, for each row that refers to another. Its own autovacuum counts once a
 * minute; the embedded store has none.
 */
export async function analyzeGrownTables(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relnamespace = current_schema()::regnamespace and relkind = 'r'
      and pg_relation_size(oid) > 2 * greatest(relpages, ${fewPages}) * current_setting('block_size')::bigint`.execute(
    db,
  );
  for (const { name } of rows) await sql`analyze (skip_locked) ${sql.table(name)}`.execute(db);
  return rows.map(({ name }) => name);
}

/** Makes the place of removed and changed rows free for new ones, as PostgreSQL's autovacuum does. Not in a transaction. */
export async function vacuum(db: Database): Promise<void> {
  await sql`vacuum (analyze)`.execute(db);
}
