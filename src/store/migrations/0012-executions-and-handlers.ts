import type { Kysely } from 'kysely';
import { sql } from 'kysely';

const statements = [
  `alter table executions
    add column event_type text,
    add column error_text text`,
  `update executions set
    event_type = coalesce(
      (select type from conversation_events where id = executions.event_id),
      (select event_type from direct_runs where execution_id = executions.id)),
    error_text = left(lower(regexp_replace(error, '^\\{"type":"([^"]*)","message":"(.*)","traceback":.*$', '\\1: \\2')), 500)`,
  // One index a filter of the list, each in the order of the list. None of them but the one by kind holds test runs.
  `drop index executions_failed`,
  `drop index executions_by_handler`,
  `drop index executions_tests_by_time`,
  `create index executions_by_kind on executions (organization_id, kind, id)`,
  `create index executions_by_handler on executions (handler_id, id) where kind <> 'test'`,
  `create index executions_by_status on executions (organization_id, status, id) where kind <> 'test'`,
  `create index executions_by_event_type on executions (organization_id, event_type, id) where kind <> 'test'`,
  `create index executions_by_conversation on executions (organization_id, conversation_id, id) where kind <> 'test'`,
  `create index executions_by_reason on executions (organization_id, reason, id)
    where kind <> 'test' and reason is not null`,
  `create index executions_with_error on executions (organization_id, id) include (error_text)
    where kind <> 'test' and error_text is not null`,
  // What the live tail asks for: written once, when an execution ends.
  `create index executions_by_end on executions (organization_id, finished_at) where finished_at is not null`,
  `alter table handlers add column deleted_at timestamptz`,
  `alter table handlers drop constraint handlers_organization_id_name_key`,
  // A deleted handler leaves its name to others.
  `create unique index handlers_by_name on handlers (organization_id, name) where deleted_at is null`,
  `create table handler_drafts (
    organization_id text not null references organizations,
    name text not null,
    event_type text not null,
    files text not null,
    settings text not null,
    base_version integer,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (organization_id, name)
  )`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
