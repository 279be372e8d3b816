import { sql, type Selectable } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { SinkSettings, type Sink } from '../contract/sink.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { isUniqueViolation, type Database } from './database.ts';
import type { AnalyticsSinksTable } from './tables-sinks.ts';
import { inTransaction } from './transaction.ts';

type Row = Selectable<AnalyticsSinksTable>;

/** What a sink is made of, as the store keeps it. */
export interface StoredSink {
  readonly id: string;
  readonly organizationId: string;
  readonly name: string;
  readonly settings: SinkSettings;
  /** Opens for its organisation and its id. */
  readonly sealed: string | null;
}

export interface SinkChanges {
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly settings?: SinkSettings | undefined;
  readonly sealed?: string | null | undefined;
}

/** By name, with how much waits and how much was given up. */
export async function listSinks(db: Database, organizationId: string): Promise<Sink[]> {
  const rows = await ofOrganization(db, organizationId).orderBy('name').execute();
  const counts = await countsOf(
    db,
    rows.map(({ id }) => id),
    organizationId,
  );
  return rows.map((row) => toSink(row, counts.get(row.id)));
}

/** Throws `sink_not_found`. */
export async function getSink(db: Database, organizationId: string, id: string): Promise<Sink> {
  const row = await ofOrganization(db, organizationId).where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknown(id);
  return toSink(row, (await countsOf(db, [id], organizationId)).get(id));
}

/** Throws `sink_not_found`. */
export async function getStoredSink(db: Database, organizationId: string, id: string): Promise<StoredSink> {
  const row = await ofOrganization(db, organizationId).where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw unknown(id);
  return toStored(row);
}

/** Throws `limit_exceeded` for one more than an organisation may have, `sink_name_taken`. */
export async function createSink(
  db: Database,
  organizationId: string,
  /** The id is needed before: what is sealed is sealed for it. */
  sink: { id: string; name: string; enabled: boolean; settings: SinkSettings; sealed: string | null },
): Promise<Sink> {
  return await inTransaction(db, async (trx) => {
    // One at a time for an organisation, so that two together do not pass the limit.
    await sql`select 1 from organizations where id = ${organizationId} for update`.execute(trx);
    const there = await ofOrganization(trx, organizationId).execute();
    if (there.length >= limits.sinksPerOrganization) {
      const most = String(limits.sinksPerOrganization);
      throw new AfterwordError('limit_exceeded', `The organisation has ${most} sinks, as many as it may have.`);
    }
    if (there.some(({ name }) => name === sink.name)) throw nameTaken(sink.name);
    const { settings, ...rest } = sink;
    const row = await trx
      .insertInto('analytics_sinks')
      .values({
        ...rest,
        organization_id: organizationId,
        kind: settings.kind,
        settings: JSON.stringify(settings),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return toSink(row);
  });
}

export function newSinkId(): string {
  return uuidv7();
}

/**
 * Whoever changes a sink may have mended it: what waits for it is due at once. Throws `sink_not_found`, `sink_name_taken`.
 */
export async function changeSink(
  db: Database,
  organizationId: string,
  id: string,
  { name, enabled, settings, sealed }: SinkChanges,
): Promise<Sink> {
  try {
    const row = await db
      .updateTable('analytics_sinks')
      .set({
        ...(name === undefined ? {} : { name }),
        ...(enabled === undefined ? {} : { enabled, off_reason: null }),
        ...(settings === undefined ? {} : { settings: JSON.stringify(settings) }),
        ...(sealed === undefined ? {} : { sealed }),
        failures: 0,
        rest_until: null,
        updated_at: new Date(),
      })
      .where('organization_id', '=', organizationId)
      .where('id', '=', id)
      .where('deleted_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw unknown(id);
    await db
      .updateTable('analytics_deliveries')
      .set({ due_at: new Date() })
      .where('organization_id', '=', organizationId)
      .where('sink', '=', id)
      .where('state', '=', 'pending')
      .where('due_at', '>', new Date())
      .execute();
    return toSink(row, (await countsOf(db, [id], organizationId)).get(id));
  } catch (error) {
    if (name !== undefined && isUniqueViolation(error)) throw nameTaken(name);
    throw error;
  }
}

/** What waits for it is given up. Throws `sink_not_found`. */
export async function deleteSink(db: Database, organizationId: string, id: string): Promise<Sink> {
  return await inTransaction(db, async (trx) => {
    const row = await trx
      .updateTable('analytics_sinks')
      .set({ deleted_at: new Date(), enabled: false, sealed: null })
      .where('organization_id', '=', organizationId)
      .where('id', '=', id)
      .where('deleted_at', 'is', null)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw unknown(id);
    const counts = await countsOf(trx, [id], organizationId);
    await trx
      .updateTable('analytics_deliveries')
      .set({ state: 'dead', error: `The sink ${row.name} was deleted.` })
      .where('organization_id', '=', organizationId)
      .where('sink', '=', id)
      .where('state', '=', 'pending')
      .execute();
    return toSink(row, counts.get(id));
  });
}

/** Those that new events go to. */
export async function enabledSinkIds(db: Database, organizationId: string): Promise<string[]> {
  const rows = await ofOrganization(db, organizationId).where('enabled', '=', true).orderBy('id').execute();
  return rows.map(({ id }) => id);
}

function ofOrganization(db: Database, organizationId: string) {
  return db
    .selectFrom('analytics_sinks')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null);
}

interface Counts {
  readonly pending: number;
  readonly dead: number;
}

async function countsOf(
  db: Database,
  ids: readonly string[],
  organizationId: string,
): Promise<ReadonlyMap<string, Counts>> {
  const { rows } = await sql<Counts & { id: string }>`
    select id,
      (select count(*) from analytics_deliveries
        where state = 'pending' and sink = id and organization_id = ${organizationId}) as pending,
      (select count(*) from analytics_deliveries
        where state = 'dead' and sink = id and organization_id = ${organizationId}) as dead
    from json_array_elements_text(${JSON.stringify(ids)}::json) as id`.execute(db);
  return new Map(rows.map(({ id, pending, dead }) => [id, { pending, dead }]));
}

export function toStored(row: Pick<Row, 'id' | 'organization_id' | 'name' | 'settings' | 'sealed'>): StoredSink {
  const { id, organization_id: organizationId, name, sealed } = row;
  return { id, organizationId, name, sealed, settings: SinkSettings.parse(JSON.parse(row.settings)) };
}

function toSink(row: Row, { pending, dead }: Counts = { pending: 0, dead: 0 }): Sink {
  const resting = row.rest_until !== null && row.rest_until.getTime() > Date.now();
  return {
    id: row.id,
    name: row.name,
    ...toStored(row).settings,
    enabled: row.enabled,
    offReason: row.off_reason,
    pending,
    dead,
    restsUntil: resting ? (row.rest_until?.toISOString() ?? null) : null,
    lastError: row.last_error,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

function unknown(id: string): AfterwordError {
  return new AfterwordError('sink_not_found', `There is no sink "${id.slice(0, 100)}".`);
}

function nameTaken(name: string): AfterwordError {
  return new AfterwordError('sink_name_taken', `There is another sink "${name}".`);
}
