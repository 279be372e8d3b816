import type { HandlerLanguage } from '../contract/handler-language.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { HandlerRow } from './handler-rows.ts';
import { isUuid } from './uuid-text.ts';

/** That is not deleted. Throws `handler_not_found`. */
export async function findHandlerRow(
  db: Database,
  organizationId: string,
  nameOrId: string,
  lock?: 'lock',
): Promise<HandlerRow> {
  const row = await handlerRowOf(db, organizationId, nameOrId, lock);
  if (row !== undefined) return row;
  throw new AfterwordError('handler_not_found', `There is no handler "${nameOrId}".`);
}

export async function handlerRowOf(
  db: Database,
  organizationId: string,
  nameOrId: string,
  lock?: 'lock',
): Promise<HandlerRow | undefined> {
  return await db
    .selectFrom('handlers')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('deleted_at', 'is', null)
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
}

export async function setHandlerColumns(
  db: Database,
  row: HandlerRow,
  columns: { current_version?: number; language?: HandlerLanguage; enabled?: boolean; deleted_at?: Date },
): Promise<HandlerRow> {
  return await db
    .updateTable('handlers')
    .set({ ...columns, updated_at: new Date() })
    .where('organization_id', '=', row.organization_id)
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
