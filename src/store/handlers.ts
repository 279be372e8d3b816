import { v7 as uuidv7 } from 'uuid';
import type { Handler, HandlerPush, HandlerVersion, HandlerWithCode, PushedHandler } from '../contract/handler.ts';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { refuseOwnType } from '../domain/cancel-on.ts';
import { AfterwordError } from '../domain/errors.ts';
import { refuseLargeCode, refuseToolIn } from '../domain/handler-code.ts';
import type { Database } from './database.ts';
import { filesJsonOf, handlerFileOf } from './handler-files.ts';
import { type HandlerRow, settingsOf, toHandler, toHandlerVersion } from './handler-rows.ts';
import { inTransaction } from './transaction.ts';
import { isUuid } from './uuid-text.ts';

/**
 * Makes the handler, or a new version of it when code or settings differ from the current version's; the note belongs
 * to a new version. `enabled` left out stays; a new handler is on. Two pushes at once come one after the other.
 * Throws `invalid_handler` for code over 256 KB and for settings that do not fit together, `handler_event_type_fixed`.
 */
export async function pushHandler(db: Database, organizationId: string, push: HandlerPush): Promise<PushedHandler> {
  refuseLargeCode(push.code);
  refuseToolIn(push.language, push.settings.tool);
  refuseOwnType(push.eventType, push.settings.cancelOn);
  return await inTransaction(db, async (trx) => {
    const created = await trx
      .insertInto('handlers')
      .values({
        id: uuidv7(),
        organization_id: organizationId,
        name: push.name,
        event_type: push.eventType,
        language: push.language,
        enabled: push.enabled ?? true,
        current_version: 1,
      })
      .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doNothing())
      .returningAll()
      .executeTakeFirst();
    if (created !== undefined) {
      await insertVersion(trx, created, 1, push);
      return { ...toHandler(created), changed: true, created: true };
    }
    return await updateHandler(trx, await findRow(trx, organizationId, push.name, 'lock'), push);
  });
}

async function updateHandler(trx: Database, row: HandlerRow, push: HandlerPush): Promise<PushedHandler> {
  if (row.event_type !== push.eventType) {
    throw new AfterwordError(
      'handler_event_type_fixed',
      `The handler "${row.name}" is for ${row.event_type}; it cannot become one for ${push.eventType}.`,
    );
  }
  const versions = await trx
    .selectFrom('handler_versions')
    .select(['version', 'files', 'settings'])
    .where('organization_id', '=', row.organization_id)
    .where('handler_id', '=', row.id)
    .where((where) =>
      where.or([
        where('version', '=', row.current_version),
        // After a rollback the newest is not the current one.
        where(
          'version',
          '=',
          where
            .selectFrom('handler_versions as newest')
            .select((select) => select.fn.max('newest.version').as('version'))
            .where('newest.handler_id', '=', row.id),
        ),
      ]),
    )
    .execute();
  const current = versions.find((version) => version.version === row.current_version);
  const changed = current?.files !== filesJsonOf(push) || current.settings !== JSON.stringify(push.settings);
  const version = changed ? Math.max(...versions.map((known) => known.version)) + 1 : row.current_version;
  const enabled = push.enabled ?? row.enabled;
  if (changed) await insertVersion(trx, row, version, push);
  else if (enabled === row.enabled) return { ...toHandler(row), changed, created: false };
  const updated = await setColumns(trx, row, { current_version: version, language: push.language, enabled });
  return { ...toHandler(updated), changed, created: false };
}

async function insertVersion(trx: Database, row: HandlerRow, version: number, push: HandlerPush): Promise<void> {
  await trx
    .insertInto('handler_versions')
    .values({
      id: uuidv7(),
      organization_id: row.organization_id,
      handler_id: row.id,
      version,
      files: filesJsonOf(push),
      settings: JSON.stringify(push.settings),
      delay_seconds: push.settings.delaySeconds ?? 0,
      cancel_on: push.settings.cancelOn ?? [],
      note: push.note ?? null,
    })
    .execute();
}

/** By name. */
export async function listHandlers(db: Database, organizationId: string): Promise<Handler[]> {
  const rows = await db
    .selectFrom('handlers')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .orderBy('name')
    .execute();
  return rows.map(toHandler);
}

/** With the code of its current version. Throws `handler_not_found`. */
export async function getHandler(db: Database, organizationId: string, nameOrId: string): Promise<HandlerWithCode> {
  return (await findCurrentVersion(db, organizationId, nameOrId)).handler;
}

/** The same with the id of the version. Throws `handler_not_found`. */
export async function findCurrentVersion(
  db: Database,
  organizationId: string,
  nameOrId: string,
): Promise<{ handler: HandlerWithCode; versionId: string }> {
  const row = await findRow(db, organizationId, nameOrId);
  const version = await db
    .selectFrom('handler_versions')
    .select(['id', 'files', 'settings'])
    .where('organization_id', '=', organizationId)
    .where('handler_id', '=', row.id)
    .where('version', '=', row.current_version)
    .executeTakeFirstOrThrow();
  const handler = { ...toHandler(row), ...handlerFileOf(version.files), settings: settingsOf(version.settings) };
  return { handler, versionId: version.id };
}

/** Throws `handler_not_found`. Executions of events that came before stay. */
export async function setHandlerEnabled(
  db: Database,
  organizationId: string,
  nameOrId: string,
  enabled: boolean,
): Promise<Handler> {
  const row = await findRow(db, organizationId, nameOrId);
  return row.enabled === enabled ? toHandler(row) : toHandler(await setColumns(db, row, { enabled }));
}

/** Newest first. Throws `handler_not_found`. */
export async function listHandlerVersions(
  db: Database,
  organizationId: string,
  nameOrId: string,
): Promise<HandlerVersion[]> {
  const handler = await findRow(db, organizationId, nameOrId);
  const rows = await db
    .selectFrom('handler_versions')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('handler_id', '=', handler.id)
    .orderBy('version', 'desc')
    .execute();
  return rows.map((row) => toHandlerVersion(row, handler.current_version));
}

/**
 * Makes an older version (or again a newer one) the one that new events run; no version is lost by it.
 * Throws `handler_not_found`, `version_not_found`.
 */
export async function rollbackHandler(
  db: Database,
  organizationId: string,
  nameOrId: string,
  version: number,
): Promise<Handler> {
  return await inTransaction(db, async (trx) => {
    const row = await findRow(trx, organizationId, nameOrId, 'lock');
    const known = await trx
      .selectFrom('handler_versions')
      .select('files')
      .where('organization_id', '=', organizationId)
      .where('handler_id', '=', row.id)
      .where('version', '=', version)
      .executeTakeFirst();
    if (known === undefined) {
      throw new AfterwordError('version_not_found', `The handler "${row.name}" has no version ${String(version)}.`);
    }
    const { language } = handlerFileOf(known.files);
    return toHandler(await setColumns(trx, row, { current_version: version, language }));
  });
}

async function findRow(db: Database, organizationId: string, nameOrId: string, lock?: 'lock'): Promise<HandlerRow> {
  const row = await db
    .selectFrom('handlers')
    .selectAll()
    .where('organization_id', '=', organizationId)
    // No name has the form of an id's 36 characters by chance; where one does, the id wins.
    .where((where) =>
      isUuid(nameOrId)
        ? where.or([where('id', '=', nameOrId), where('name', '=', nameOrId)])
        : where('name', '=', nameOrId),
    )
    .orderBy((order) => (isUuid(nameOrId) ? order('id', '=', nameOrId) : order.ref('name')), 'desc')
    .limit(1)
    .$if(lock !== undefined, (query) => query.forUpdate())
    .executeTakeFirst();
  if (row !== undefined) return row;
  throw new AfterwordError('handler_not_found', `There is no handler "${nameOrId}".`);
}

async function setColumns(
  db: Database,
  row: HandlerRow,
  columns: { current_version?: number; language?: HandlerLanguage; enabled?: boolean },
): Promise<HandlerRow> {
  return await db
    .updateTable('handlers')
    .set({ ...columns, updated_at: new Date() })
    .where('organization_id', '=', row.organization_id)
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
