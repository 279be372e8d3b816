import { sql } from 'kysely';
import { countAnalytics, groupAnalytics, listAnalytics } from '../../src/store/analytics-query.ts';
import type { AnalyticsFilters } from '../../src/contract/analytics-query.ts';
import { openStore, type Database } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { startPostgresServer } from '../../test/setup/postgres-server.ts';
import { median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';

const organization = 'analytics';
const events = 1_000_000;
const pages = 60;
const heavy = 5;

/** Each with what may be typical of it: values that half of the events have, and values that a few have. */
const filters: Readonly<Record<string, Partial<AnalyticsFilters>>> = {
  'no filter': {},
  'a frequent key': { key: 'key-1' },
  'a rare key': { key: 'rare' },
  'a contact': { contact_urn: 'tel:+4711' },
  'a project': { project: 'project-3' },
  'a type': { value_type: 'bool' },
  'a frequent value': { value: 'resolved' },
  'a rare value': { value: 'once in a while' },
  'a frequent entry of metadata': { metadata_key: 'human_support', metadata_value: 'true' },
  'a rare entry of metadata': { metadata_key: 'conversation_uuid', metadata_value: uuidOf(777_777) },
};

/** On a PostgreSQL of its own, with its own settings. */
export async function analytics(): Promise<BenchResult[]> {
  const postgres = await startPostgresServer(['unix_socket_directories=']);
  const store = await openStore({ databaseUrl: `${postgres.url}/postgres`, embeddedFolder: '' });
  try {
    await migrate(store);
    return await analyticsRows(store.db);
  } finally {
    await store.close();
    await postgres.stop();
  }
}

/** The queries of the API over a year of events. */
async function analyticsRows(db: Database): Promise<BenchResult[]> {
  await fill(db);
  const page = { limit: 10, offset: 0 };
  const asked = (more: Partial<AnalyticsFilters>): AnalyticsFilters => ({ ...year, ...more });
  const results: BenchResult[] = [];
  for (const [name, filter] of Object.entries(filters)) {
    const times = await timeEach(pages, () => listAnalytics(db, organization, asked(filter), page));
    results.push(
      row(`analytics at 1,000,000: first page by ${name}, p95`, 'ms', { value: p95(times) }, { atMost: 50 }),
    );
  }
  const deep = { limit: 10, offset: events - 100 };
  const slow: readonly (readonly [name: string, work: () => Promise<unknown>, atMost: number])[] = [
    ['a deep page', () => listAnalytics(db, organization, asked({}), deep), 500],
    ['count of all', () => countAnalytics(db, organization, asked({})), 500],
    ['count by a frequent key', () => countAnalytics(db, organization, asked({ key: 'key-1' })), 500],
    ...['value', 'key', 'contact_urn', 'date', 'topic'].map(
      (by) => [`groups by ${by}`, () => groupAnalytics(db, organization, asked({}), by, page), 1_500] as const,
    ),
  ];
  for (const [name, work, atMost] of slow) {
    await work();
    const value = median(await timeEach(heavy, work));
    results.push(row(`analytics at 1,000,000: ${name}`, 'ms', { value }, { atMost }));
  }
  // No index knows which keys an event has: it is one of those that are read until ten have it.
  const seldom = () => listAnalytics(db, organization, asked({ metadata_key: 'seldom' }), page);
  const value = median(await timeEach(heavy, seldom));
  return [...results, row('analytics at 1,000,000: a page by a key of the metadata that few have', 'ms', { value })];
}

const year = { date_start: '2026-01-01T00:00:00.000000Z', date_end: '2026-12-31T23:59:59.999999Z' };

function uuidOf(n: number): string {
  return `0199a3f0-0000-7000-8000-${String(n).padStart(12, '0')}`;
}

function p95(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? NaN;
}

/** A million events of one execution, which is no matter to the queries. */
async function fill(db: Database): Promise<void> {
  await ensureOrganization(db, { id: organization, name: 'Analytics' });
  const execution = uuidOf(0);
  await db
    .insertInto('executions')
    .values({ id: execution, organization_id: organization, kind: 'tool', ordinal: 0, queued_at: new Date() })
    .execute();
  await sql`
    with made as (
      select n, ('0199a3f0-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id,
        timestamptz '2026-01-01' + n * interval '31 seconds' as moment,
        'project-' || n % 5 as project, 'tel:+' || n % 50000 as contact_urn,
        case when n % 5000 = 0 then 'rare' else 'key-' || n % 7 end as key,
        case when n % 10 = 0 then 'bool' else 'string' end as value_type,
        case when n % 10 = 0 then 'True' when n % 5001 = 1 then 'once in a while'
          else (array['resolved', 'resolved', 'unresolved', 'in progress', 'has chat room'])[1 + n % 5] end as value
      from generate_series(1, ${events}::integer) as n
    ), told as (
      select *, jsonb_build_object('conversation_uuid', '0199a3f0-0000-7000-8000-' || lpad(n::text, 12, '0'),
          'conversation_start_date', moment, 'conversation_end_date', moment, 'agent_uuid', ${execution}::text,
          'human_support', n % 2 = 0, 'topic', 'topic-' || n % 40)
        || case when n % 100000 = 0 then '{"seldom": true}'::jsonb else '{}' end as metadata
      from made
    ), stored as (
      insert into analytics_events
        (id, organization_id, execution_id, attempt, ordinal, state, registered, payload, moment, registered_at)
      select id, ${organization}, ${execution}::uuid, 1, n, 'accepted', payload, payload, moment, moment
      from told, lateral (select json_build_object('event_name', 'weni_nexus_data', 'key', key, 'date', moment,
        'project', project, 'contact_urn', contact_urn, 'value_type', value_type, 'value', value,
        'metadata', metadata)::text as payload) as made
    )
    insert into analytics_records
    select id, ${organization}, moment, project, contact_urn, key, value_type, value, metadata from told`.execute(db);
  await sql`vacuum (analyze) analytics_events, analytics_records`.execute(db);
}
