import { type RawBuilder, sql } from 'kysely';
import type { TimelineEvent } from '../contract/conversation.ts';
import type { TimelineField } from '../contract/timeline-event.ts';
import { toTimelineEvent, type TimelineEventRow } from './conversation-rows.ts';
import type { Database } from './database.ts';
import {
  type Counted,
  countByBuckets,
  countedSearch,
  type CountedSearch,
  seek,
  sumUpCounts,
} from './timeline-event-counts.ts';
import { timestampTextsAsRange } from './timeline-event-moments.ts';
import type { TimelineSearch } from './timeline-event-search.ts';
import { conditionWith, knownValues } from './timeline-event-values.ts';

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

/**
 * A page of an organisation's timeline events and how many there are in all, exactly. `asc` is `desc` backwards, rows of the same
 * moment included. A million rows: a page of the newest, or of one source, category or type, takes some milliseconds;
 * a text that stands in few of them some tens, one that stands in most of them seconds.
 */
export async function listTimelineEvents(
  db: Database,
  organizationId: string,
  asked: TimelineSearch,
  page: TimelinePage,
): Promise<{ total: number; events: TimelineEvent[] }> {
  const search = timestampTextsAsRange(asked);
  const byBuckets = countedSearch(search);
  if (byBuckets === undefined) {
    const known = await knownValues(db, organizationId, search.pairs);
    return await listByRows(db, conditionWith(organizationId, search, known), page);
  }
  await sumUpCounts(db, organizationId);
  const counted = await countByBuckets(db, organizationId, byBuckets);
  const where = await pageCondition(db, organizationId, byBuckets, counted, page);
  return { total: counted.total, events: await pageOf(db, where.condition, counted.total, page, where.offset) };
}

/** What no count knows. Few rows are found once, for the total and the page; of many the page is read in its order. */
async function listByRows(
  db: Database,
  condition: RawBuilder<boolean>,
  page: TimelinePage,
): Promise<{ total: number; events: TimelineEvent[] }> {
  const few = await findFew(db, condition, page);
  if (few !== undefined) return few;
  const { total, first, last } = await countRows(db, condition);
  if (page.orderBy !== 'timestamp') return { total, events: await pageOf(db, condition, total, page) };
  // The order is entered where the first of them stands: a million others may come before it.
  const bounded = sql<boolean>`${condition} and timestamp between ${first}::timestamptz and ${last}::timestamptz`;
  return { total, events: await pageOf(db, bounded, total, page) };
}

/** Undefined: there are more than can be sorted. */
async function findFew(
  db: Database,
  condition: RawBuilder<boolean>,
  { limit, orderBy, direction, offset }: TimelinePage,
): Promise<{ total: number; events: TimelineEvent[] } | undefined> {
  const order = orderOf(orderBy, direction);
  // Materialized, so that it is planned as if all of it were read; it is read no further than the next one goes.
  const { rows } = await sql<{ n: number; ids: string[] }>`
    with matching as materialized (select id, ${sql.ref(orderBy)} from timeline_events where ${condition}),
    few as materialized (select * from matching limit ${sortedAtMost + 1})
    select (select count(*) from few) as n,
           array(select id from few order by ${order} offset ${offset} limit ${limit}) as ids`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('a search had no answer');
  if (found.n > sortedAtMost) return undefined;
  return { total: found.n, events: await eventsOf(db, sql`select unnest(${found.ids}::uuid[])`, order) };
}

async function countRows(
  db: Database,
  condition: RawBuilder<boolean>,
): Promise<{ total: number; first: string | null; last: string | null }> {
  // As texts, which keep what a Date has no digits for.
  const { rows } = await sql<{ total: number; first: string | null; last: string | null }>`
    select count(*) as total, min(timestamp)::text as first, max(timestamp)::text as last
    from timeline_events where ${condition}`.execute(db);
  return rows[0] ?? { total: 0, first: null, last: null };
}

async function pageCondition(
  db: Database,
  organizationId: string,
  search: CountedSearch,
  counted: Counted,
  { offset, orderBy, direction }: TimelinePage,
): Promise<{ condition: RawBuilder<boolean>; offset: number }> {
  const conditions = [conditionWith(organizationId, search, counted.known)];
  const newestFirst = direction === 'desc';
  const from =
    orderBy === 'timestamp' && offset >= deepOffset && offset < counted.total
      ? await seek(db, organizationId, search, counted, { offset, newestFirst })
      : undefined;
  if (from !== undefined) conditions.push(sql`timestamp ${newestFirst ? sql`<` : sql`>=`} ${from.moment}`);
  return { condition: sql`${sql.join(conditions, sql` and `)}`, offset: from?.offset ?? offset };
}

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
  return await eventsOf(db, found, order);
}

async function eventsOf(db: Database, ids: RawBuilder<unknown>, order: RawBuilder<unknown>): Promise<TimelineEvent[]> {
  const { rows } = await sql<TimelineEventRow>`
    select timeline_events.* from timeline_events where id in (${ids}) order by ${order}`.execute(db);
  return rows.map(toTimelineEvent);
}

function orderOf(field: TimelineField, direction: 'asc' | 'desc'): RawBuilder<unknown> {
  // As its index has it, which a word about nulls would not match.
  if (field === 'timestamp') return direction === 'desc' ? sql`timestamp desc, id asc` : sql`timestamp asc, id desc`;
  const ref = sql.ref(field);
  return direction === 'desc' ? sql`${ref} desc nulls last, id asc` : sql`${ref} asc nulls last, id desc`;
}
