import { EgressRules } from '../contract/egress.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';

/** Throws `organization_not_found`. */
export async function getEgressRules(db: Database, organizationId: string): Promise<EgressRules> {
  const row = await db.selectFrom('organizations').select('egress').where('id', '=', organizationId).executeTakeFirst();
  if (row === undefined) throw unknown(organizationId);
  return row.egress === null ? {} : EgressRules.parse(JSON.parse(row.egress));
}

/** In place of those there were; attempts that begin from now on keep to them. Throws `organization_not_found`. */
export async function setEgressRules(db: Database, organizationId: string, rules: EgressRules): Promise<void> {
  const row = await db
    .updateTable('organizations')
    .set({ egress: Object.keys(rules).length === 0 ? null : JSON.stringify(rules) })
    .where('id', '=', organizationId)
    .returning('id')
    .executeTakeFirst();
  if (row === undefined) throw unknown(organizationId);
}

function unknown(organizationId: string): AfterwordError {
  return new AfterwordError('organization_not_found', `There is no organisation "${organizationId}".`);
}
