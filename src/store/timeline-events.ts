import { type RawBuilder, sql } from 'kysely';
import type { TimelineEvent } from '../contract/conversation.ts';
import type { TimelineField } from '../contract/timeline-event.ts';
import { toTimelineEvent, type TimelineEventRow } from './conversation-rows.ts';
import type { Database } from './database.ts';
import {
  type Counted,
  countByBuckets,
  countedSearch,
  type CountedField,
  type CountedSearch,
  isCounted,
  seek,
  sumUpCounts,
  valuesWith,
} from './timeline-event-counts.ts';
import { conditionOf, type TimelineSearch } from './timeline-event-search.ts';

export interface TimelinePage {
  readonly offset: number;
  readonly limit: number;
  readonly orderBy: TimelineField;
  readonly direction: 'asc' | 'desc';
}

/** So few are sorted; else they are looked for in their order, which the planner would try with few too, and read all rows. */
const sortedAtMost = 2_000;
/** Below it no page is worth a look for where it begins. */
const deepOffset = 1_000;
/** With more the list is read in its order. */
const indexedValues = 100;

/**
 * A page of an organisation's timeline events and how many there are in all, exactly. `asc` is `desc` backwards, rows of the same
 * moment included. A million rows: a page of the newest, or of one source, category or type, takes some milliseconds;
 * a text that stands in few of them some tens, one that stands in most of them seconds.
 */
export async function listTimelineEvents(
  db: Database,
  organizationId: string,
  search: TimelineSearch,
  page: TimelinePage,
): Promise<{ total: number; events: TimelineEvent[] }> {
  const byBuckets = countedSearch(search);
  if (byBuckets === undefined) {
    const conditions = [conditionOf(organizationId, search)];
    for (const { field, text } of search.pairs) {
      if (isCounted(field)) conditions.push(...indexed(field, await valuesWith(db, organizationId, field, text)));
    }
    const condition = sql<boolean>`${sql.join(conditions, sql` and `)}`;
    const total = await countRows(db, condition);
    return { total, events: await pageOf(db, condition, total, page) };
  }
  await sumUpCounts(db, organizationId);
  const counted = await countByBuckets(db, organizationId, byBuckets);
  const where = await pageCondition(db, organizationId, byBuckets, counted, page);
  return { total: counted.total, events: await pageOf(db, where.condition, counted.total, page, where.offset) };
}

async function countRows(db: Database, condition: RawBuilder<boolean>): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from timeline_events where ${condition}`.execute(db);
  return rows[0]?.n ?? 0;
}

async function pageCondition(
  db: Database,
  organizationId: string,
  search: CountedSearch,
  counted: Counted,
  { offset, orderBy, direction }: TimelinePage,
): Promise<{ condition: RawBuilder<boolean>; offset: number }> {
  const { field, from: start, to: end } = search;
  // Outside of whole buckets there may be other values.
  const alsoElsewhere = field === '' || start !== undefined || end !== undefined;
  const conditions = [conditionOf(organizationId, search), ...(alsoElsewhere ? [] : indexed(field, counted.values))];
  const newestFirst = direction === 'desc';
  const from =
    orderBy === 'timestamp' && offset >= deepOffset && offset < counted.total
      ? await seek(db, organizationId, search, counted, { offset, newestFirst })
      : undefined;
  if (from !== undefined) conditions.push(sql`timestamp ${newestFirst ? sql`<` : sql`>=`} ${from.moment}`);
  return { condition: sql`${sql.join(conditions, sql` and `)}`, offset: from?.offset ?? offset };
}

/** Each value has its place in an index, one alone in the order of the list. */
function indexed(field: CountedField, values: readonly string[]): RawBuilder<boolean>[] {
  if (values.length === 0) return [sql`false`];
  if (values.length > indexedValues) return [];
  const start = sql`left(${sql.ref(field)}, 100)`;
  const [value, ...others] = values;
  return [others.length === 0 ? sql`${start} = left(${value}, 100)` : sql`${start} in (${sql.join(values.map(cut))})`];
}

const cut = (value: string) => sql`left(${value}, 100)`;

async function pageOf(
  db: Database,
  condition: RawBuilder<boolean>,
  total: number,
  { limit, orderBy, direction, offset: asked }: TimelinePage,
  offset = asked,
): Promise<TimelineEvent[]> {
  if (limit === 0 || asked >= total) return [];
  const order = orderOf(orderBy, direction);
  const found =
    total > sortedAtMost
      ? sql`select id from timeline_events where ${condition} order by ${order} offset ${offset} limit ${limit}`
      : sql`
        select id from (select * from timeline_events where ${condition} offset 0) as few
        order by ${order} offset ${offset} limit ${limit}`;
  const { rows } = await sql<TimelineEventRow>`
    select timeline_events.* from timeline_events where id in (${found}) order by ${order}`.execute(db);
  return rows.map(toTimelineEvent);
}

function orderOf(field: TimelineField, direction: 'asc' | 'desc'): RawBuilder<unknown> {
  // As its index has it, which a word about nulls would not match.
  if (field === 'timestamp') return direction === 'desc' ? sql`timestamp desc, id asc` : sql`timestamp asc, id desc`;
  const ref = sql.ref(field);
  return direction === 'desc' ? sql`${ref} desc nulls last, id asc` : sql`${ref} asc nulls last, id desc`;
}
