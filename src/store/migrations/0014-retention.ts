import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  // When output and calls were removed: from then on a re-run has nothing to answer from.
  'alter table executions add column record_removed_at timestamptz',
  `create index executions_with_record on executions (finished_at) where record_removed_at is null`,
  'create index conversation_events_by_age on conversation_events (received_at)',
  'create index analytics_events_by_age on analytics_events (registered_at)',
  'create index replayed_calls_of_call on replayed_calls (call_id)',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
