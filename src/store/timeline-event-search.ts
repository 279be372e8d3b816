import { type RawBuilder, sql } from 'kysely';
import type { TimelineField } from '../contract/timeline-event.ts';

/** Which timeline events; the pairs all have to match. */
export interface TimelineSearch {
  /** Texts that stand in the field, in any letter case. */
  readonly pairs: readonly { readonly field: TimelineField; readonly text: string }[];
  /** Both inclusive. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

const asText = sql`to_char(timestamp at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

function matches(field: TimelineField, text: string): RawBuilder<boolean> {
  return sql`${field === 'timestamp' ? asText : sql.ref(field)} ilike ${patternOf(text)}`;
}

/** Of `ilike`, for a text that stands anywhere. */
export function patternOf(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, (special) => `\\${special}`)}%`;
}

export function conditionOf(organizationId: string, { pairs, from, to }: TimelineSearch): RawBuilder<boolean> {
  const conditions = [sql`organization_id = ${organizationId}`];
  for (const { field, text } of pairs) conditions.push(matches(field, text));
  if (from !== undefined) conditions.push(sql`timestamp >= ${from}`);
  if (to !== undefined) conditions.push(sql`timestamp <= ${to}`);
  return sql`${sql.join(conditions, sql` and `)}`;
}
