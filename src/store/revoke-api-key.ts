import { sql } from 'kysely';
import type { ApiKey } from '../contract/api-key.ts';
import { AfterwordError } from '../domain/errors.ts';
import { keyNotFound, toApiKey } from './api-keys.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

/**
 * From now on nobody gets in with it; revoking it again changes nothing. Throws `api_key_not_found`, `last_admin_key` where
 * the organisation would be left without a key that can make another.
 */
export async function revokeApiKey(db: Database, organizationId: string, id: string): Promise<ApiKey> {
  return await inTransaction(db, async (trx) => {
    // One at a time for an organisation: two admin keys must not revoke each other.
    await sql`select 1 from organizations where id = ${organizationId} for update`.execute(trx);
    const keys = trx.selectFrom('api_keys').where('organization_id', '=', organizationId);
    const row = await keys.selectAll().where('id', '=', id).executeTakeFirst();
    if (row === undefined) throw keyNotFound(id);
    if (row.revoked_at !== null) return toApiKey(row);
    if (row.scopes.includes('admin')) {
      const other = await keys
        .select('id')
        .where('id', '<>', id)
        .where('revoked_at', 'is', null)
        .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', new Date())]))
        .where(sql<boolean>`'admin' = any(scopes)`)
        .limit(1)
        .executeTakeFirst();
      if (other === undefined) {
        const detail = `"${row.name}" is the last key of the organisation that may make others.`;
        throw new AfterwordError('last_admin_key', detail);
      }
    }
    const revoked = await trx
      .updateTable('api_keys')
      .set({ revoked_at: new Date() })
      .where('organization_id', '=', organizationId)
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return toApiKey(revoked);
  });
}
