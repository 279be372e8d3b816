import type { Selectable } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { AuditEntry } from '../contract/audit.ts';
import { JsonObject } from '../contract/json.ts';
import type { Database } from './database.ts';
import type { AuditEntriesTable } from './tables-accounts.ts';

export interface NewAuditEntry {
  /** null: somebody at the machine. */
  readonly keyId: string | null;
  readonly who: string;
  readonly action: string;
  readonly object: string;
  readonly requestId: string | null;
  /** Without secrets. */
  readonly summary: JsonObject;
}

/** `db`: the transaction of the change. */
export async function writeAudit(db: Database, organizationId: string, entry: NewAuditEntry): Promise<void> {
  await db
    .insertInto('audit_entries')
    .values({
      id: uuidv7(),
      organization_id: organizationId,
      key_id: entry.keyId,
      who: entry.who,
      action: entry.action,
      object: entry.object,
      request_id: entry.requestId,
      summary: JSON.stringify(entry.summary),
    })
    .execute();
}

export interface AuditQuery {
  readonly limit: number;
  readonly before?: string;
  readonly action?: string;
  readonly object?: string;
  readonly key?: string;
  readonly from?: Date;
  readonly to?: Date;
}

/** Newest first. */
export async function listAudit(db: Database, organizationId: string, query: AuditQuery): Promise<AuditEntry[]> {
  const { limit, before, action, object, key, from, to } = query;
  let found = db.selectFrom('audit_entries').selectAll().where('organization_id', '=', organizationId);
  if (before !== undefined) found = found.where('id', '<', before);
  if (action !== undefined) found = found.where('action', '=', action);
  if (object !== undefined) found = found.where('object', '=', object);
  if (key !== undefined) found = found.where('key_id', '=', key);
  if (from !== undefined) found = found.where('at', '>=', from);
  if (to !== undefined) found = found.where('at', '<=', to);
  return (await found.orderBy('id', 'desc').limit(limit).execute()).map(toEntry);
}

function toEntry(row: Selectable<AuditEntriesTable>): AuditEntry {
  return {
    id: row.id,
    at: row.at.toISOString(),
    keyId: row.key_id,
    who: row.who,
    action: row.action,
    object: row.object,
    requestId: row.request_id,
    summary: JsonObject.parse(JSON.parse(row.summary)),
  };
}
