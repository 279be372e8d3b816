import { sql, type RawBuilder } from 'kysely';
import { AnalyticsPayload } from '../contract/analytics.ts';
import type { DeadLetter, ResendInput } from '../contract/dead-letter.ts';
import type { Database } from './database.ts';
import { isUuid } from './uuid-text.ts';

interface Row {
  event_id: string;
  sink: string;
  sink_name: string | null;
  deleted: boolean;
  execution_id: string;
  payload: string;
  tries: number;
  error: string | null;
  created_at: Date;
}

/** Deliveries that were given up, of the newest event first. `before`: id of a dead letter. */
export async function listDeadLetters(
  db: Database,
  organizationId: string,
  { limit, before, sink }: { readonly limit: number; readonly before?: string; readonly sink?: string },
): Promise<DeadLetter[]> {
  const place = before === undefined ? undefined : partsOf(before);
  const behind =
    place === undefined
      ? sql``
      : sql`and (delivery.event_id, delivery.sink) < (${place.event}::uuid, ${place.sink}::text)`;
  const { rows } = await sql<Row>`
    select delivery.event_id, delivery.sink, known.name as sink_name, known.deleted_at is not null as deleted,
           delivery.execution_id, event.payload, delivery.tries, delivery.error, delivery.created_at
    from analytics_deliveries delivery
    join analytics_events event on event.id = delivery.event_id
    left join analytics_sinks known on known.id = delivery.sink
    where delivery.organization_id = ${organizationId} and delivery.state = 'dead' ${behind}
      ${sink === undefined ? sql`` : sql`and delivery.sink = ${sink}`}
    order by delivery.event_id desc, delivery.sink desc
    limit ${limit}`.execute(db);
  return rows.map((row) => ({
    id: `${row.event_id}.${row.sink}`,
    sink: row.sink,
    sinkName: row.sink_name ?? row.sink,
    eventId: row.event_id,
    executionId: row.execution_id,
    event: AnalyticsPayload.parse(JSON.parse(row.payload)),
    tries: row.tries,
    error: row.error,
    waitedSince: row.created_at.toISOString(),
    resendable: !row.deleted,
  }));
}

/**
 * Has dead letters delivered again, with as much time as new ones; those of deleted sinks stay. Answers how many there are.
 */
export async function resendDeadLetters(db: Database, organizationId: string, which: ResendInput): Promise<number> {
  const { numAffectedRows = 0n } = await sql`
    update analytics_deliveries delivery
    set state = 'pending', created_at = now(), due_at = now(), claimed_until = null
    where organization_id = ${organizationId} and state = 'dead' and ${chosenBy(which)}
      and not exists (
        select 1 from analytics_sinks known where known.id = delivery.sink and known.deleted_at is not null
      )`.execute(db);
  return Number(numAffectedRows);
}

function chosenBy({ ids, sink }: ResendInput): RawBuilder<unknown> {
  if (sink !== undefined) return sql`sink = ${sink}`;
  if (ids === undefined) return sql`true`;
  // What PostgreSQL would not take as an id is nobody's.
  const possible = ids.map(partsOf).filter(({ event, sink: to }) => isUuid(event) && /^[\w-]+$/.test(to));
  const named = JSON.stringify(possible);
  return sql`(event_id, sink) in (select event, sink from json_to_recordset(${named}::json) as named (event uuid, sink text))`;
}

function partsOf(id: string): { event: string; sink: string } {
  const dot = id.indexOf('.');
  return { event: id.slice(0, dot), sink: id.slice(dot + 1) };
}
