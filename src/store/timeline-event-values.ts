import { type RawBuilder, sql } from 'kysely';
import type { TimelineField } from '../contract/timeline-event.ts';
import type { Database } from './database.ts';
import type { TimelineEventCountsTable } from './tables-incoming.ts';
import { conditionOf, patternOf, type TimelineSearch } from './timeline-event-search.ts';

export type CountedField = Exclude<TimelineEventCountsTable['field'], ''>;

/** Of each pair of a search: all values of its field in which its text stands; undefined where nobody knows them. */
export type KnownValues = readonly (readonly string[] | undefined)[];

/** With more the list is read in its order. */
const indexedValues = 100;
/** Of a text in the indexes of source, category and type. */
const indexedCharacters = 100;

export function isCounted(field: TimelineField): field is CountedField {
  return field === 'source' || field === 'category' || field === 'type';
}

/** All that the fields have ever been. */
export async function knownValues(
  db: Database,
  organizationId: string,
  pairs: TimelineSearch['pairs'],
): Promise<KnownValues> {
  const known: (readonly string[] | undefined)[] = [];
  for (const { field, text } of pairs) {
    known.push(isCounted(field) ? await valuesWith(db, organizationId, field, text) : undefined);
  }
  return known;
}

async function valuesWith(
  db: Database,
  organizationId: string,
  field: CountedField,
  text: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ value: string }>`
    select distinct value from timeline_event_counts
    where organization_id = ${organizationId} and field = ${field} and value ilike ${patternOf(text)}`.execute(db);
  return rows.map(({ value }) => value);
}

/**
 * Texts whose values are known are asked for by those values: that needs no look at each text, and the planner, also one without
 * statistics, sees that an index has them in order.
 */
export function conditionWith(
  organizationId: string,
  { pairs, from, to }: TimelineSearch,
  known: KnownValues,
): RawBuilder<boolean> {
  const byValues = pairs.map(({ field }, index) => isOneOf(field, known[index]));
  const others = pairs.filter((_, index) => byValues[index] === undefined);
  const conditions = byValues.flatMap((conditionOfPair) => conditionOfPair ?? []);
  return sql`${sql.join([conditionOf(organizationId, { pairs: others, from, to }), ...conditions], sql` and `)}`;
}

/** Each value has its place in an index, one alone in the order of the list. Undefined: too many, or not known. */
function isOneOf(field: TimelineField, values: readonly string[] | undefined): RawBuilder<boolean>[] | undefined {
  if (values === undefined || values.length > indexedValues) return undefined;
  if (values.length === 0) return [sql`false`];
  const start = sql`left(${sql.ref(field)}, ${sql.lit(indexedCharacters)})`;
  const starts = [...new Set(values.map((value) => [...value].slice(0, indexedCharacters).join('')))];
  const [only, ...others] = starts;
  const begins =
    others.length === 0 ? sql<boolean>`${start} = ${only}` : sql<boolean>`${start} in (${sql.join(starts)})`;
  const cut = values.some((value) => [...value].length >= indexedCharacters);
  // Some begin the same as far as the index goes.
  return cut ? [begins, sql<boolean>`${sql.ref(field)} in (${sql.join([...values])})`] : [begins];
}
