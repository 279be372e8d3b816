import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import { AnalyticsPayload } from '../../contract/analytics.ts';
import { recordOf } from '../analytics-record.ts';

const statements = [
  `create table analytics_sinks (
    id text primary key,
    organization_id text not null references organizations,
    name text not null,
    kind text not null,
    enabled boolean not null default true,
    off_reason text,
    settings text not null,
    sealed text,
    failures integer not null default 0,
    rest_until timestamptz,
    last_error text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz
  )`,
  `create unique index analytics_sinks_name on analytics_sinks (organization_id, name) where deleted_at is null`,
  `create index analytics_deliveries_dead on analytics_deliveries (organization_id, event_id, sink)
    where state = 'dead'`,
  // What can be asked for stands apart from what was said: a million rows to count are read from a third of the pages.
  `create table analytics_records (
    event_id uuid primary key references analytics_events on delete cascade,
    organization_id text not null references organizations,
    moment timestamptz not null,
    project text not null,
    contact_urn text not null,
    key text not null,
    value_type text not null,
    value text not null,
    metadata jsonb not null
  )`,
];

/** After the rows that there are: filling an index is cheaper than growing it. */
const indexes = [
  `create index analytics_records_moment on analytics_records (organization_id, moment, event_id)`,
  ...['project', 'contact_urn', 'key', 'value_type', 'value'].map(
    (column) =>
      `create index analytics_records_${column} on analytics_records (organization_id, ${column}, moment, event_id)`,
  ),
  `create index analytics_records_metadata on analytics_records using gin (metadata jsonb_path_ops)`,
];

const batch = 1_000;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
  await recordEventsThereAre(db);
  for (const index of indexes) await sql.raw(index).execute(db);
}

async function recordEventsThereAre(db: Kysely<unknown>): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await sql<{ id: string; payload: string }>`
      select id, payload from analytics_events
      where state = 'accepted' and payload is not null and moment is not null and id > ${after}
      order by id limit ${batch}`.execute(db);
    const records = rows.map(({ id, payload }) => ({ id, ...recordOf(AnalyticsPayload.parse(JSON.parse(payload))) }));
    await sql`
      insert into analytics_records
      select event.id, event.organization_id, event.moment, record.project, record.contact_urn, record.key,
             record.value_type, record.value, record.metadata
      from json_to_recordset(${JSON.stringify(records)}::json) as record
        (id uuid, project text, contact_urn text, key text, value_type text, value text, metadata jsonb)
      join analytics_events event on event.id = record.id`.execute(db);
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return;
    after = last.id;
  }
}
