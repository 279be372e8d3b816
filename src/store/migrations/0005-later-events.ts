import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Handlers that wait, and what cancels them. */
const statements = [
  // A copy of what the settings say: they may be long, and every event asks.
  `alter table handler_versions
    add column delay_seconds integer not null default 0,
    add column cancel_on text[] not null default '{}'`,
  `alter table executions
    add column runs_at timestamptz,
    add column cancel_on text[]`,
  `create index executions_waiting_for_their_time on executions (organization_id, conversation_id)
    where status = 'waiting' and runs_at is not null and cancel_on is not null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
