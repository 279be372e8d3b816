import type { AnalyticsFilters, AnalyticsGroup, AnalyticsListItem } from '../contract/analytics-query.ts';
import { pythonText } from '../domain/python-text.ts';
import { limits } from '../domain/limits.ts';
import { groupAnalytics, listAnalytics, type AnalyticsPlace } from '../store/analytics-query.ts';
import type { Database } from '../store/database.ts';
import { csvLine } from './csv.ts';

export interface Wanted {
  /** Undefined: all. */
  readonly limit: number | undefined;
  readonly offset: number;
}

const columns = [
  ...['id', 'execution_id', 'moment', 'event_name', 'key', 'date', 'project', 'contact_urn', 'value_type', 'value'],
  'metadata',
];

/** Each page is asked for behind the one before, so that the last costs what the first does. */
export async function* eventLines(
  db: Database,
  organizationId: string,
  filters: AnalyticsFilters,
  { limit = Number.POSITIVE_INFINITY, offset }: Wanted,
): AsyncGenerator<string> {
  yield csvLine(columns);
  let after: AnalyticsPlace | undefined;
  for (let left = limit; left > 0;) {
    const size = Math.min(left, limits.analyticsPage);
    const page = { limit: size, offset: after === undefined ? offset : 0, after };
    const items = await listAnalytics(db, organizationId, filters, page);
    if (items.length > 0) yield items.map((item) => csvLine(cellsOf(item))).join('');
    after = items.at(-1);
    if (items.length < size) return;
    left -= items.length;
  }
}

function cellsOf({ id, executionId, date, event }: AnalyticsListItem): string[] {
  const { event_name: name, contact_urn: urn, value_type: type, value, metadata } = event;
  const metadataText = JSON.stringify(metadata);
  return [
    id,
    executionId,
    date,
    name,
    event.key,
    event.date,
    event.project,
    urn,
    type,
    pythonText(value),
    metadataText,
  ];
}

export async function* groupLines(
  db: Database,
  organizationId: string,
  filters: AnalyticsFilters,
  groupBy: string,
  { limit, offset }: Wanted,
): AsyncGenerator<string> {
  const page = { limit: limit ?? mostGroups, offset };
  const { items } = await groupAnalytics(db, organizationId, filters, groupBy, page);
  yield csvLine(['value', 'count']);
  yield* inChunks(items);
}

const mostGroups = 100_000;

function* inChunks(groups: readonly AnalyticsGroup[]): Generator<string> {
  for (let start = 0; start < groups.length; start += limits.analyticsPage) {
    const chunk = groups.slice(start, start + limits.analyticsPage);
    yield chunk.map(({ value, count }) => csvLine([value, String(count)])).join('');
  }
}
