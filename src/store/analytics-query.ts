import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { AnalyticsPayload } from '../contract/analytics.ts';
import type { AnalyticsFilters, AnalyticsGroup, AnalyticsListItem } from '../contract/analytics-query.ts';
import type { Database } from './database.ts';

export interface AnalyticsPage {
  readonly limit: number;
  readonly offset: number;
}

/** Where a page ended: the next one begins behind it. */
export interface AnalyticsPlace {
  readonly date: string;
  readonly id: string;
}

interface Row {
  id: string;
  execution_id: string;
  payload: string;
  moment: string;
}

/** Accepted events, newest first; ties by id. */
export async function listAnalytics(
  db: Database,
  organizationId: string,
  filters: AnalyticsFilters,
  { limit, offset, after }: AnalyticsPage & { readonly after?: AnalyticsPlace | undefined },
): Promise<AnalyticsListItem[]> {
  const behind =
    after === undefined ? sql`` : sql`and (moment, event_id) < (${after.date}::timestamptz, ${after.id}::uuid)`;
  // The ids first, which an index alone answers: events that are passed over are not read.
  const { rows } = await sql<Row>`
    with page as materialized (
      select event_id, moment from analytics_records
      where ${conditionsOf(organizationId, filters)} ${behind}
      order by moment desc, event_id desc
      limit ${limit}::integer offset ${offset}::integer
    )
    select event.id, event.execution_id, event.payload,
           to_char(page.moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment
    from page join analytics_events event on event.id = page.event_id
    order by page.moment desc, page.event_id desc`.execute(db);
  return rows.map(({ id, execution_id: executionId, payload, moment }) => ({
    id,
    executionId,
    date: moment,
    event: AnalyticsPayload.parse(JSON.parse(payload)),
  }));
}

export async function countAnalytics(db: Database, organizationId: string, filters: AnalyticsFilters): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from analytics_records where ${conditionsOf(organizationId, filters)}`.execute(db);
  return rows[0]?.count ?? 0;
}

const Groups = z.array(z.object({ value: z.string(), count: z.number() }));

/** Largest first; events without the key they are grouped by are in none. `total`: how many groups there are. */
export async function groupAnalytics(
  db: Database,
  organizationId: string,
  filters: AnalyticsFilters,
  groupBy: string,
  { limit, offset }: AnalyticsPage,
): Promise<{ readonly items: AnalyticsGroup[]; readonly total: number }> {
  // Days are written when they have been counted: as text for each event it took five times as long.
  const asText = groupBy === 'date' ? sql`to_char(value, 'YYYY-MM-DD')` : sql`value`;
  const { rows } = await sql<{ total: number; items: string }>`
    with grouped as materialized (
      select ${groupOf(groupBy)} as value, count(*) as count
      from analytics_records where ${conditionsOf(organizationId, filters)}
      group by 1
    ), named as (select ${asText} as value, count from grouped where value is not null)
    select (select count(*) from named) as total, coalesce((
      select json_agg(page) from (
        select value, count from named order by count desc, value limit ${limit}::integer offset ${offset}::integer
      ) page
    ), '[]')::text as items`.execute(db);
  const [row] = rows;
  return { items: Groups.parse(JSON.parse(row?.items ?? '[]')), total: row?.total ?? 0 };
}

const columns = ['project', 'key', 'contact_urn', 'value_type', 'value'] as const;

function groupOf(groupBy: string): RawBuilder<unknown> {
  const column = columns.find((one) => one === groupBy);
  if (column !== undefined) return sql.ref(column);
  if (groupBy === 'date') return sql`(moment at time zone 'UTC')::date`;
  return sql`metadata ->> ${groupBy.replace(/^metadata\./u, '')}::text`;
}

function conditionsOf(organizationId: string, filters: AnalyticsFilters): RawBuilder<unknown> {
  const { date_start: from, date_end: to, metadata_key: key, metadata_value: value } = filters;
  const conditions = [
    sql`organization_id = ${organizationId}`,
    sql`moment between ${from}::timestamptz and ${to}::timestamptz`,
  ];
  for (const column of columns) {
    const wanted = filters[column];
    if (wanted === undefined) continue;
    conditions.push(sql`${sql.ref(column)} = ${column === 'value_type' ? wanted.toLowerCase() : wanted}`);
  }
  if (key !== undefined && value === undefined) conditions.push(sql`metadata ? ${key}`);
  if (key !== undefined && value !== undefined) {
    const same = meaningsOf(value).map((one) => sql`metadata @> ${JSON.stringify({ [key]: one })}::jsonb`);
    conditions.push(sql`(${sql.join(same, sql` or `)})`);
  }
  return sql.join(conditions, sql` and `);
}

/** What a text may stand for among the values of metadata: itself, and the number or the truth value that it spells. */
function meaningsOf(text: string): readonly (string | number | boolean)[] {
  const lower = text.toLowerCase();
  if (lower === 'true' || lower === 'false') return [text, lower === 'true'];
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/u.test(text) ? [text, Number(text)] : [text];
}
