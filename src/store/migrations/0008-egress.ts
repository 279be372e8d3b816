import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Where the requests of an organisation's handlers may go. */
const statements = ['alter table organizations add column egress text'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
