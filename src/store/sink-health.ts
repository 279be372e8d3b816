import { sql } from 'kysely';
import type { Database } from './database.ts';
import { toStored, type StoredSink } from './sinks.ts';

/** A sink that is on, and how it fares. */
export interface ServedSink extends StoredSink {
  /** Milliseconds that it is still left alone, because it failed; 0: it may be tried. */
  readonly restsMs: number;
}

interface Row {
  id: string;
  organization_id: string;
  name: string;
  settings: string;
  sealed: string | null;
  rests_ms: number;
}

const columns = sql.raw(`id, organization_id, name, settings, sealed,
  greatest(0, ceil(extract(epoch from rest_until - now()) * 1000))::float8 as rests_ms`);

/** Of one organisation, those that are on. */
export async function servedSinks(db: Database, organizationId: string): Promise<ServedSink[]> {
  const { rows } = await sql<Row>`
    select ${columns} from analytics_sinks
    where organization_id = ${organizationId} and enabled and deleted_at is null
    order by id`.execute(db);
  return rows.map(toServed);
}

/**
 * Of all organisations, those that may be tried and have something due; who failed before comes last, so that the others need
 * not wait for it.
 */
export async function dueSinks(db: Database): Promise<ServedSink[]> {
  const { rows } = await sql<Row>`
    select ${columns} from analytics_sinks sink
    where enabled and deleted_at is null and (rest_until is null or rest_until <= now())
      and exists (
        select 1 from analytics_deliveries where state = 'pending' and sink = sink.id and due_at <= now()
      )
    order by failures, rest_until nulls first, id`.execute(db);
  return rows.map(toServed);
}

function toServed(row: Row): ServedSink {
  return { ...toStored(row), restsMs: row.rests_ms };
}

export interface Rest {
  /** Doubled with each run in a row in which the sink took nothing. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** At least, where the sink itself says so. */
  readonly atLeastMs: number;
}

/** It took nothing. Several who find that out at once count once. */
export async function letSinkRest(db: Database, sink: StoredSink, error: string, rest: Rest): Promise<void> {
  const { id, organizationId } = sink;
  await sql`
    update analytics_sinks
    set failures = failures + 1, last_error = ${error},
        rest_until = now() + interval '1 millisecond' * greatest(
          least(${rest.firstMs}::double precision * power(2, least(failures, 30)), ${rest.longestMs}::double precision),
          ${rest.atLeastMs}::double precision)
    where id = ${id} and organization_id = ${organizationId} and (rest_until is null or rest_until <= now())`.execute(
    db,
  );
}

/** It took something. */
export async function noteSinkWorks(db: Database, { id, organizationId }: StoredSink): Promise<void> {
  await sql`
    update analytics_sinks set failures = 0, rest_until = null, last_error = null
    where id = ${id} and organization_id = ${organizationId}
      and (failures > 0 or rest_until is not null or last_error is not null)`.execute(db);
}

/** It wants nothing any more: what waits for it waits until somebody switches it on again. */
export async function switchOffSink(db: Database, sink: StoredSink, reason: string): Promise<void> {
  const { id, organizationId } = sink;
  await sql`
    update analytics_sinks set enabled = false, off_reason = ${reason}, last_error = ${reason}, updated_at = now()
    where id = ${id} and organization_id = ${organizationId} and enabled and deleted_at is null`.execute(db);
}
