import { sql } from 'kysely';
import { percentile, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { ApiBench } from './api-bench.ts';

const rows = 1_000_000;
/** Of each event. */
const handlers = 4;
const days = 30;
const times = 40;
/** Fixed, so that every run asks for the same. */
const begin = '2026-01-01T00:00:00Z';
const day = (n: number) => new Date(Date.parse(begin) + n * 86_400_000).toISOString();

/** The first page with each filter, what has to be searched, and the statistics of a day. */
export async function executions(bench: ApiBench): Promise<BenchResult[]> {
  await seed(bench);
  const client = await bench.server();
  const p95 = async (path: string) => {
    const ask = () => client.ask('GET', path);
    await timeEach(3, ask);
    return percentile(await timeEach(times, ask), 0.95);
  };
  const list = (query: string) => `/executions?limit=50&${query}`;
  const asked: readonly (readonly [atMost: number, queries: Readonly<Record<string, string>>])[] = [
    [
      50,
      {
        'no filter': list(''),
        'a handler': list('handler=handler-7'),
        'a type': list('eventType=conversation_handed_off'),
        'a type that none has': list('eventType=conversation_reopened'),
        'a status that few have': list('status=running'),
        'two statuses': list('status=cancelled&status=waiting'),
        'the failed': list('failed=true'),
        'a reason': list('reason=exited'),
        'a conversation': list('conversation=C-4711'),
        'a kind that none has': list('kind=tool'),
        'a day': list(`from=${day(10)}&to=${day(11)}`),
      },
    ],
    [
      500,
      {
        'text of one error': list('error=customer%20777703%20'),
        'text that no error has': list('error=nowhere'),
        'how many there are': list('total=true'),
        'how many failed': list('total=true&failed=true'),
        'statistics of a day by hour': `/executions/statistics?from=${day(10)}&to=${day(11)}&interval=hour`,
      },
    ],
  ];
  const results: BenchResult[] = [];
  for (const [atMost, queries] of asked) {
    for (const [name, path] of Object.entries(queries)) {
      results.push(row(`executions at 1,000,000, p95: ${name}`, 'ms', { value: await p95(path) }, { atMost }));
    }
  }
  // Every execution of the range is read.
  const month = `/executions/statistics?from=${day(0)}&to=${day(days)}&interval=day`;
  const [value = Number.NaN] = await timeEach(1, () => client.ask('GET', month));
  return [...results, row('executions: statistics of all 1,000,000', 'ms', { value })];
}

async function seed({ store: { db }, organization }: ApiBench): Promise<void> {
  await db.transaction().execute(async (trx) => {
    // What is made here fits together; to check it row by row, or to grow each index, would take minutes.
    await sql`set local session_replication_role = replica`.execute(trx);
    const { rows: indexes } = await sql<{ indexname: string; indexdef: string }>`
      select indexname, indexdef from pg_indexes
      where tablename = 'executions' and indexname <> 'executions_pkey'`.execute(trx);
    for (const { indexname } of indexes) await sql`drop index ${sql.id(indexname)}`.execute(trx);
    // An id as they are made: of a time and a number.
    const id = (
      at: string,
      n: string,
    ) => sql`(lpad(to_hex((extract(epoch from ${sql.raw(at)}) * 1000)::bigint), 12, '0')
      || '7' || substr(lpad(to_hex(${sql.raw(n)}), 18, '0'), 1, 3) || '8' || substr(lpad(to_hex(${sql.raw(n)}), 18, '0'), 4))::uuid`;
    const start = sql.lit(begin);
    await sql`
      insert into handlers (id, organization_id, name, event_type, language, enabled, current_version)
      select ${id(`timestamptz '${begin}'`, 'n')}, ${organization}, 'handler-' || n,
             case when n <= 4 then 'conversation_closed' else 'conversation_handed_off' end, 'python', true, 1
      from generate_series(1, 20) n`.execute(trx);
    await sql`
      insert into handler_versions (id, organization_id, handler_id, version, files, settings)
      select id, organization_id, id, 1, '{"handler.py":""}', '{}' from handlers
      where organization_id = ${organization} and name ~ '^handler-[0-9]+$'`.execute(trx);
    await sql`
      insert into conversations (id, organization_id, public_id, subject, business_slug, business_name)
      select ${id(`timestamptz '${begin}'`, 'n')}, ${organization}, 'C-' || n, '', 'b', 'B'
      from generate_series(1, 50000) n`.execute(trx);
    const at = `timestamptz '${begin}' + e * interval '${String((days * 86_400 * handlers) / rows)} seconds'`;
    await sql`
      insert into conversation_events (id, organization_id, source, event_id, type, conversation_id, occurred_at,
        received_at, context, message_seq, workflow_id, claimed_by, relay_at)
      select ${id(at, 'e')}, ${organization}, 'seeded', 'e-' || e, ${sql.raw(typeOf)},
             ${id(`timestamptz '${begin}'`, '1 + e % 50000')}, ${start}, ${start}, '{}', 1, 'seeded-' || e, 'run', ${start}
      from generate_series(0, ${rows / handlers - 1}::integer) e`.execute(trx);
    await sql`
      insert into executions (id, organization_id, event_id, conversation_id, handler_id, handler_version_id, ordinal,
        event_type, status, reason, error, error_text, attempt, turn, queued_at, started_at, finished_at, queue_ms, run_ms)
      select ${id('at', '1000000 + n')}, ${organization}, ${id('at', 'e')},
             ${id(`timestamptz '${begin}'`, '1 + e % 50000')}, ${id(`timestamptz '${begin}'`, 'h')},
             ${id(`timestamptz '${begin}'`, 'h')}, n % ${handlers}::integer, ${sql.raw(typeOf)}, status,
             case when status = 'failed' then (array['raised', 'exited', 'not_json'])[1 + n % 3] end,
             case when status in ('failed', 'timed_out')
               then '{"type":"KeyError","message":"no customer ' || n || ' here","traceback":""}' end,
             case when status in ('failed', 'timed_out') then 'keyerror: no customer ' || n || ' here' end,
             1, 1, at, at, case when status <> 'running' then at + interval '100 ms' end, 10 + n % 50, 20 + n % 1999
      from (
        select n, n / ${handlers}::integer as e,
               timestamptz ${start} + (n / ${handlers}::integer) * ${(days * 86_400 * handlers) / rows}::float8 * interval '1 second' as at,
               case when (n / ${handlers}::integer) % 5 < 4 then 1 + n % 4 else 5 + n % 16 end as h,
               case when n > ${rows - 100}::integer then 'running' when n % 20 = 3 then 'failed' when n % 50 = 7 then 'timed_out'
                    when n % 100 = 11 then 'cancelled' else 'succeeded' end as status
        from generate_series(0, ${rows - 1}::integer) n
      ) made`.execute(trx);
    for (const { indexdef } of indexes) await sql.raw(indexdef).execute(trx);
  });
  await sql`vacuum analyze executions`.execute(db);
  await sql`vacuum analyze conversation_events`.execute(db);
}

/** Of the event number `e`. */
const typeOf = `case when e % 5 < 4 then 'conversation_closed' else 'conversation_handed_off' end`;
