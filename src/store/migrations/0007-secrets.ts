import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  `create table secrets (
    organization_id text not null references organizations,
    name text not null,
    sealed text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (organization_id, name)
  )`,
  // Beside what people read of a call, where that is masked: what it really was.
  `alter table calls
    add column sealed_args text,
    add column sealed_answer text`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
