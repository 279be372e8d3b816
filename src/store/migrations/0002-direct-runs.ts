import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** Executions that no event started: test runs and tools that were invoked. */
const statements = [
  `alter table executions
    add column kind text not null default 'event',
    alter column event_id drop not null,
    alter column conversation_id drop not null,
    alter column handler_id drop not null,
    alter column handler_version_id drop not null,
    add constraint executions_of_events_are_whole check (
      kind <> 'event' or (event_id is not null and conversation_id is not null
        and handler_id is not null and handler_version_id is not null)
    )`,
  // Lists leave test runs out, or show nothing else: either way they read one index from its newest end.
  `create index executions_live_by_time on executions (organization_id, id) where kind <> 'test'`,
  `create index executions_tests_by_time on executions (organization_id, id) where kind = 'test'`,
  `drop index executions_by_time`,
  `create table direct_runs (
    execution_id uuid primary key references executions,
    organization_id text not null references organizations,
    workflow_id text not null,
    handler_name text not null,
    event_id text not null,
    event_type text not null,
    actor text,
    occurred_at timestamptz not null,
    context text not null,
    message_seq integer not null,
    files text not null,
    settings text not null
  )`,
  `create table test_run_writes (
    organization_id text not null,
    execution_id uuid not null references executions,
    what text not null,
    key text not null,
    value text,
    primary key (execution_id, what, key)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
