import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  // Keys that were made before there were scopes could do everything.
  `alter table api_keys
    add column scopes text[] not null default '{admin}',
    add column expires_at timestamptz,
    add column last_used_at timestamptz`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
