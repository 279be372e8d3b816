import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Executions that run another one again, and what nobody started yet although it is no event. */
const statements = [
  `alter table executions
    add column rerun_of uuid references executions,
    add column workflow_id text,
    add column relay_at timestamptz`,
  `create index executions_by_root on executions (root_id) where root_id is not null`,
  `create index executions_rerun_of on executions (rerun_of) where rerun_of is not null`,
  `create index executions_unstarted on executions (relay_at) where relay_at is not null`,
  `create table replayed_calls (
    organization_id text not null,
    execution_id uuid not null references executions,
    call_id uuid not null references calls,
    last_attempt integer not null,
    drift text,
    primary key (execution_id, call_id)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
