import type { Handler, HandlerVersion } from '../contract/handler.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import { findHandlerRow, setHandlerColumns } from './found-handlers.ts';
import { handlerFileOf } from './handler-files.ts';
import { toHandler, toHandlerVersion } from './handler-rows.ts';
import { inTransaction } from './transaction.ts';

/** Newest first. Throws `handler_not_found`. */
export async function listHandlerVersions(
  db: Database,
  organizationId: string,
  nameOrId: string,
): Promise<HandlerVersion[]> {
  const handler = await findHandlerRow(db, organizationId, nameOrId);
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
    const row = await findHandlerRow(trx, organizationId, nameOrId, 'lock');
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
    return toHandler(await setHandlerColumns(trx, row, { current_version: version, language }));
  });
}

/** One version with its code. Throws `handler_not_found`, `version_not_found`. */
export async function getHandlerVersion(
  db: Database,
  organizationId: string,
  nameOrId: string,
  version: number,
): Promise<HandlerVersion> {
  const handler = await findHandlerRow(db, organizationId, nameOrId);
  const row = await db
    .selectFrom('handler_versions')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('handler_id', '=', handler.id)
    .where('version', '=', version)
    .executeTakeFirst();
  if (row !== undefined) return toHandlerVersion(row, handler.current_version);
  throw new AfterwordError('version_not_found', `The handler "${handler.name}" has no version ${String(version)}.`);
}
