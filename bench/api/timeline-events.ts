import { sql } from 'kysely';
import { percentile, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { ApiBench } from './api-bench.ts';

const rows = 1_000_000;
const times = 40;

/** The first page with each filter that has an index, and the searches that have none of equality. */
export async function timelineEvents(bench: ApiBench): Promise<BenchResult[]> {
  await seed(bench);
  const client = await bench.server();
  const search = (field: string, text: string) =>
    `search_fields=${field}&search_field_values=${encodeURIComponent(text)}`;
  const p95 = async (query: string) => {
    const ask = () => client.ask('GET', `/events/?limit=25&${query}`);
    await timeEach(3, ask);
    return percentile(await timeEach(times, ask), 0.95);
  };
  const first = {
    'no filter': '',
    'a source': search('source', 'tool-call'),
    'a category': search('category', 'category-4'),
    'a type': search('type', 'type-13'),
    'a session': search('session_id', 'session-12345'),
    'a range': 'start_datetime=2026-02-01T00:10:00Z&end_datetime=2026-04-01T12:34:00Z',
  };
  const slower = {
    'a part of a description': search('description', 'e98f'),
    'a part of a number': search('user_id', '+180412345'),
    'a type of a source': `${search('type', 'type-13')}&${search('source', 'tool-call')}`,
    'page 20,000': 'page=20000',
    'page 1,500 of a type': `page=1500&${search('type', 'type-13')}`,
  };
  const results: BenchResult[] = [];
  for (const [filters, bar] of [
    [first, 50],
    [slower, 500],
  ] as const) {
    for (const [name, query] of Object.entries(filters)) {
      const value = await p95(query);
      results.push(row(`GET /events/ of 1,000,000, 95th percentile: ${name}`, 'ms', { value }, { atMost: bar }));
    }
  }
  return results;
}

async function seed({ store: { db }, organization }: ApiBench): Promise<void> {
  const { rows: indexes } = await sql<{ indexdef: string }>`
    select indexdef from pg_indexes where indexname = 'timeline_events_by_text'`.execute(db);
  // Filling it anew is cheaper than growing it.
  await sql`drop index if exists timeline_events_by_text`.execute(db);
  await sql`
    insert into timeline_events (id, organization_id, timestamp, session_id, conversation_id, source, source_id, category,
                                 type, user_id, description, attributes)
    select gen_random_uuid(), ${organization}, timestamptz '2026-01-01Z' + n * interval '20 seconds', 'session-' || n / 20,
           md5((n / 10)::text), case n % 3 when 0 then 'tool-call' else 'prompt-' || n % 7 end, md5((n / 2)::text),
           'category-' || n % 11, 'type-' || n % 23, '+1804' || n % 50000,
           'Event number ' || n || ' about order ' || md5(n::text), '{"n":' || n || '}'
    from generate_series(1, ${rows}::integer) as n`.execute(db);
  for (const { indexdef } of indexes) await sql.raw(indexdef).execute(db);
  await sql`vacuum analyze timeline_events`.execute(db);
  await sql`vacuum analyze timeline_event_counts`.execute(db);
}
