import { type RawBuilder, sql } from 'kysely';
import type { Database } from './database.ts';
import { patternOf, type TimelineSearch } from './timeline-event-search.ts';
import { conditionWith, isCounted, knownValues, type KnownValues } from './timeline-event-values.ts';
import type { TimelineEventCountsTable } from './tables-incoming.ts';
import { inTransaction } from './transaction.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** So many rows more than there need be are added up at each look. */
const rowsBeforeSumming = 2_000;

/** How the counts answer a search; only one without a text, or with one in a field that is counted, is. */
export interface CountedSearch extends TimelineSearch {
  readonly field: TimelineEventCountsTable['field'];
  readonly bucketMs: number;
  /** First moment of whole buckets, and the first after them. */
  readonly wholeFrom?: Date | undefined;
  readonly wholeEnd?: Date | undefined;
}

export interface Counted {
  readonly total: number;
  /** Of those before and after the whole buckets. */
  readonly before: number;
  readonly after: number;
  /** Of a range all that there have ever been, else those that were counted. */
  readonly known: KnownValues;
}

/** Undefined: the rows themselves have to be counted. */
export function countedSearch(search: TimelineSearch): CountedSearch | undefined {
  const { pairs, from, to } = search;
  const [pair, ...others] = pairs;
  const field = pair?.field ?? '';
  if (others.length > 0) return undefined;
  if (field !== '' && !isCounted(field)) return undefined;
  const bucketMs = field === '' ? hourMs : dayMs;
  const wholeFrom = from && new Date(Math.ceil(from.getTime() / bucketMs) * bucketMs);
  const wholeEnd = to && new Date(Math.floor((to.getTime() + 1) / bucketMs) * bucketMs);
  if (wholeFrom && wholeEnd && wholeFrom >= wholeEnd) return undefined;
  return { ...search, field, bucketMs, wholeFrom, wholeEnd };
}

/** The rows of the counts that are whole buckets of the search. */
function countsOf(organizationId: string, { field, pairs, wholeFrom, wholeEnd }: CountedSearch): RawBuilder<unknown> {
  const conditions = [sql`organization_id = ${organizationId} and field = ${field}`];
  for (const { text } of pairs) conditions.push(sql`value ilike ${patternOf(text)}`);
  if (wholeFrom) conditions.push(sql`bucket >= ${wholeFrom}`);
  if (wholeEnd) conditions.push(sql`bucket < ${wholeEnd}`);
  return sql`timeline_event_counts where ${sql.join(conditions, sql` and `)}`;
}

/** Exact. What whole buckets do not hold is counted in the same statement. */
export async function countByBuckets(db: Database, organizationId: string, search: CountedSearch): Promise<Counted> {
  const { pairs, from, to, wholeFrom, wholeEnd } = search;
  const lastBefore = wholeFrom && new Date(wholeFrom.getTime() - 1);
  // Outside of whole buckets there may be other values.
  const ever = from || to ? await knownValues(db, organizationId, pairs) : undefined;
  const edge = (edges: Omit<TimelineSearch, 'pairs'> | undefined) =>
    edges && ever
      ? sql`(select count(*) from timeline_events where ${conditionWith(organizationId, { pairs, ...edges }, ever)})`
      : sql`0`;
  const { rows } = await sql<{ whole: number; before: number; after: number; values: string[] | null }>`
    with by_value as (select value, sum(n) as n from ${countsOf(organizationId, search)} group by value)
    select (select coalesce(sum(n), 0)::bigint from by_value) as whole,
           (select array_agg(value) from by_value) as values,
           ${edge(from && { from, to: lastBefore })}::bigint as before,
           ${edge(to && { from: wholeEnd, to })}::bigint as after`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('a count had no answer');
  const { whole, before, after, values } = found;
  return { total: whole + before + after, before, after, known: ever ?? pairs.map(() => values ?? []) };
}

/**
 * Where a deep page begins: how many of the rows on `side` of a moment to skip, instead of all there are.
 * Undefined: nothing is won.
 */
export async function seek(
  db: Database,
  organizationId: string,
  search: CountedSearch,
  counted: Counted,
  { offset, newestFirst }: { readonly offset: number; readonly newestFirst: boolean },
): Promise<{ readonly moment: Date; readonly offset: number } | undefined> {
  const skipped = newestFirst ? counted.after : counted.before;
  const direction = newestFirst ? sql`desc` : sql`asc`;
  const { rows } = await sql<{ bucket: Date; upto: number; n: number }>`
    select * from (
      select bucket, n, (sum(n) over (order by bucket ${direction}))::bigint as upto
      from (select bucket, sum(n)::bigint as n from ${countsOf(organizationId, search)} group by bucket) as by_bucket
    ) as running
    where upto > ${offset - skipped}::bigint order by bucket ${direction} limit 1`.execute(db);
  const [found] = rows;
  if (found === undefined || found.upto - found.n + skipped > offset) return undefined;
  const moment = newestFirst ? new Date(found.bucket.getTime() + search.bucketMs) : found.bucket;
  return { moment, offset: offset - skipped - (found.upto - found.n) };
}

/** Sums take the place of their rows where those have become many. Whoever comes second leaves it to the first. */
export async function sumUpCounts(db: Database, organizationId: string): Promise<void> {
  const { rows: unsummed } = await sql<{ n: number }>`
    select count(*) as n from (
      select 1 from timeline_event_counts where organization_id = ${organizationId} and not summed
      limit ${rowsBeforeSumming}
    ) as first_ones`.execute(db);
  if ((unsummed[0]?.n ?? 0) < rowsBeforeSumming) return;
  await inTransaction(db, async (trx) => {
    const { rows } = await sql<{ mine: boolean }>`
      select pg_try_advisory_xact_lock(hashtext('timeline_event_counts'), hashtext(${organizationId})) as mine`.execute(
      trx,
    );
    if (rows[0]?.mine !== true) return;
    await sql`
      with buckets as (
        select distinct field, bucket from timeline_event_counts
        where organization_id = ${organizationId} and not summed
      ), taken as (
        delete from timeline_event_counts as counts using buckets
        where counts.organization_id = ${organizationId} and counts.field = buckets.field
          and counts.bucket = buckets.bucket
        returning counts.field, counts.value, counts.bucket, counts.n
      )
      insert into timeline_event_counts (organization_id, field, value, bucket, n, summed)
      select ${organizationId}, field, value, bucket, sum(n), true from taken group by field, value, bucket
      having sum(n) <> 0`.execute(trx);
  });
}
