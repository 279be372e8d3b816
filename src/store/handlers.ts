import { v7 as uuidv7 } from 'uuid';
import type { Handler, HandlerPush, HandlerWithCode, PushedHandler } from '../contract/handler.ts';
import { refuseOwnType } from '../domain/cancel-on.ts';
import { AfterwordError } from '../domain/errors.ts';
import { refuseLargeCode, refuseToolIn } from '../domain/handler-code.ts';
import type { Database } from './database.ts';
import { findHandlerRow, handlerRowOf, setHandlerColumns } from './found-handlers.ts';
import { filesJsonOf, handlerFileOf } from './handler-files.ts';
import { type HandlerRow, settingsOf, toHandler } from './handler-rows.ts';
import { inTransaction } from './transaction.ts';

export { listHandlers } from './handler-list.ts';
export { getHandlerVersion, listHandlerVersions, rollbackHandler } from './handler-versions.ts';

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
      .onConflict((conflict) =>
        conflict.columns(['organization_id', 'name']).where('deleted_at', 'is', null).doNothing(),
      )
      .returningAll()
      .executeTakeFirst();
    if (created !== undefined) {
      await insertVersion(trx, created, 1, push);
      return { ...toHandler(created), changed: true, created: true };
    }
    return await updateHandler(trx, await findHandlerRow(trx, organizationId, push.name, 'lock'), push);
  });
}

/** The same where `expected` is the current version; 0: there is no handler yet. Throws `handler_changed` too. */
export async function pushVersion(
  db: Database,
  organizationId: string,
  push: HandlerPush,
  expected: number | undefined,
): Promise<PushedHandler> {
  return await inTransaction(db, async (trx) => {
    const row = await handlerRowOf(trx, organizationId, push.name, 'lock');
    const current = row?.current_version ?? 0;
    if (expected !== undefined && expected !== current) {
      const now = current === 0 ? 'There is none by now' : `It has version ${String(current)} by now`;
      const detail = `The handler "${push.name}" was expected to have version ${String(expected)}. ${now}.`;
      throw new AfterwordError('handler_changed', detail);
    }
    return await pushHandler(trx, organizationId, push);
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
  const updated = await setHandlerColumns(trx, row, { current_version: version, language: push.language, enabled });
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
  const row = await findHandlerRow(db, organizationId, nameOrId);
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
  const row = await findHandlerRow(db, organizationId, nameOrId);
  return row.enabled === enabled ? toHandler(row) : toHandler(await setHandlerColumns(db, row, { enabled }));
}

/**
 * It runs for no further events, its name is free, its executions and versions stay as they are. Delayed executions end
 * as those of one that is switched off. Throws `handler_not_found`.
 */
export async function deleteHandler(db: Database, organizationId: string, nameOrId: string): Promise<Handler> {
  return await inTransaction(db, async (trx) => {
    const row = await findHandlerRow(trx, organizationId, nameOrId, 'lock');
    await trx
      .deleteFrom('handler_drafts')
      .where('organization_id', '=', organizationId)
      .where('name', '=', row.name)
      .execute();
    return toHandler(await setHandlerColumns(trx, row, { enabled: false, deleted_at: new Date() }));
  });
}
