import pg from 'pg';
import { z } from 'zod';

const Counted = z.array(z.object({ status: z.string(), count: z.coerce.number() }));
const Described = z.array(z.object({ described: z.string() }));
const EventIds = z.array(z.object({ event_id: z.string() }));

/** What the store of a topology says of its executions. Throws while PostgreSQL is away. */
export class TopologyRecord {
  readonly #databaseUrl: string;

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  async ended(): Promise<number> {
    const rows = await this.#query(
      `select 'ended' as status, count(*) as count from executions where finished_at is not null`,
    );
    return Counted.parse(rows).reduce((sum, { count }) => sum + count, 0);
  }

  /** `succeeded: 50` */
  async statuses(): Promise<readonly string[]> {
    const rows = await this.#query('select status, count(*) as count from executions group by status order by status');
    return Counted.parse(rows).map(({ status, count }) => `${status}: ${String(count)}`);
  }

  /** What publishers named them. */
  async eventIds(): Promise<readonly string[]> {
    const rows = await this.#query('select event_id from conversation_events');
    return EventIds.parse(rows).map((row) => row.event_id);
  }

  /** Executions whose one timeline event was not made exactly once. */
  notDoneOnce(): Promise<readonly string[]> {
    return this.#described(
      `select executions.id || ': ' || count(timeline_events.id) as described from executions
       left join timeline_events on timeline_events.source_id = executions.id::text
       group by executions.id having count(timeline_events.id) <> 1`,
    );
  }

  /** Executions whose last attempt did not print exactly this. */
  notPrinted(text: string): Promise<readonly string[]> {
    return this.#described(
      `select executions.id || ': ' || coalesce(string_agg(log_chunks.text, '' order by seq), '') as described
       from executions
       left join log_chunks on log_chunks.execution_id = executions.id
         and log_chunks.attempt = executions.attempt and stream = 'stdout'
       group by executions.id having coalesce(string_agg(log_chunks.text, '' order by seq), '') <> $1`,
      [text],
    );
  }

  /** Executions that did not succeed, each with what became of its attempts. */
  notSucceeded(): Promise<readonly string[]> {
    return this.#described(
      `select executions.id || ' ' || executions.status || ': '
         || coalesce(string_agg(outcome || coalesce(' ' || attempts.error, ''), ', ' order by attempts.attempt), 'none')
         as described
       from executions left join attempts on attempts.execution_id = executions.id
       where executions.status <> 'succeeded' group by executions.id`,
    );
  }

  /** `lost: 7` of attempts. */
  async outcomes(): Promise<readonly string[]> {
    const rows = await this.#query(
      'select outcome as status, count(*) as count from attempts group by outcome order by outcome',
    );
    return Counted.parse(rows).map(({ status, count }) => `${status}: ${String(count)}`);
  }

  async #described(statement: string, values: readonly string[] = []): Promise<readonly string[]> {
    return Described.parse(await this.#query(statement, values)).map(({ described }) => described);
  }

  async #query(statement: string, values: readonly string[] = []): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: this.#databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  }
}
