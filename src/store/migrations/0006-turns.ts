import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Temporal's number of the newest attempt, apart from ours: turns that went back into the queue are no attempts. */
const statements = [
  'alter table executions add column turn integer not null default 0',
  'update executions set turn = attempt where attempt > 0',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
