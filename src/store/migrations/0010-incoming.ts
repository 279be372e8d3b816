import type { Kysely } from 'kysely';
import { sql } from 'kysely';

/** What timeline events count for: '' all of them, by the hour; the others by the day. */
const countsOf = (events: string, n: string) => `
  select organization_id, mark.field, mark.value,
         date_trunc(case mark.field when '' then 'hour' else 'day' end, timestamp, 'UTC'), ${n}
  from ${events}, lateral (values ('', ''), ('source', source), ('category', category), ('type', type)) as mark (field, value)
  where mark.value is not null
  group by 1, 2, 3, 4`;

/** Whoever changes them: helpers, the API, an erasure, a clean-up by hand. */
const counting = (change: 'insert' | 'delete', rows: 'new' | 'old', n: string) => [
  `create function count_timeline_events_${change}() returns trigger language plpgsql as $$
  begin
    insert into timeline_event_counts (organization_id, field, value, bucket, n) ${countsOf('changed', n)};
    return null;
  end $$`,
  `create trigger count_${change} after ${change} on timeline_events referencing ${rows} table as changed
    for each statement execute function count_timeline_events_${change}()`,
];

/** Lists of timeline events over millions of rows with exact totals; the erasure of conversations. */
const statements = [
  `alter table timeline_events add column external_id text`,
  `create unique index timeline_events_external on timeline_events (organization_id, external_id)
    where external_id is not null`,
  // Cut: an index takes no more than 2.7 KB of a row, and 1,000 characters may have 4.
  ...['source', 'category', 'type'].map(
    (field) => `create index timeline_events_by_${field}
      on timeline_events (organization_id, left(${field}, 100), timestamp desc, id)`,
  ),
  // To count a million rows takes 400 ms, to add up these a few. Rows are only added, so that writers never wait for each
  // other; sums of them take their place from time to time.
  `create table timeline_event_counts (
    organization_id text not null references organizations,
    field text not null,
    value text not null,
    bucket timestamptz not null,
    n bigint not null,
    summed boolean not null default false
  )`,
  `create index timeline_event_counts_by_bucket on timeline_event_counts (organization_id, field, bucket)`,
  `create index timeline_event_counts_to_sum on timeline_event_counts (organization_id) where not summed`,
  ...counting('insert', 'new', 'count(*)'),
  ...counting('delete', 'old', '-count(*)'),
  `insert into timeline_event_counts (organization_id, field, value, bucket, n) ${countsOf('timeline_events', 'count(*)')}`,
  `update timeline_event_counts set summed = true`,
  `create index conversation_tags_by_tag on conversation_tags (organization_id, tag_id, conversation_id)`,
  `alter table conversations add column erased_at timestamptz`,
  `alter table executions add column erased_at timestamptz`,
];

/**
 * What finds a text inside of others. The extension comes with PostgreSQL, and who owns a database may create it; where that is
 * not so, and in the embedded store, such searches read all rows.
 */
const textIndexes = `do $$ begin
  create extension if not exists pg_trgm;
  create index timeline_events_by_text on timeline_events using gin (session_id gin_trgm_ops,
    conversation_id gin_trgm_ops, source_id gin_trgm_ops, user_id gin_trgm_ops, description gin_trgm_ops,
    attributes gin_trgm_ops);
  create index conversations_by_text on conversations using gin (subject gin_trgm_ops, public_id gin_trgm_ops,
    customer gin_trgm_ops);
exception when insufficient_privilege then
  raise notice 'pg_trgm may not be created here: searches for parts of texts read all rows';
end $$`;

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
  const { rows } = await sql`select 1 from pg_available_extensions where name = 'pg_trgm'`.execute(db);
  if (rows.length > 0) await sql.raw(textIndexes).execute(db);
}
