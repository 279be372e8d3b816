import type { Organization } from '../contract/organization.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';

/** Makes the organisation unless its id is known already; its name is then left as it is. */
export async function ensureOrganization(db: Database, { id, name }: Organization): Promise<{ created: boolean }> {
  const made = await db
    .insertInto('organizations')
    .values({ id, name })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  return { created: made !== undefined };
}

/** Throws `organization_exists`. */
export async function createOrganization(db: Database, organization: Organization): Promise<void> {
  const { created } = await ensureOrganization(db, organization);
  if (!created) throw new AfterwordError('organization_exists', `There is an organisation "${organization.id}".`);
}

/** Throws `organization_not_found`. */
export async function getOrganization(db: Database, id: string): Promise<Organization> {
  const row = await db.selectFrom('organizations').select(['id', 'name']).where('id', '=', id).executeTakeFirst();
  if (row === undefined) throw new AfterwordError('organization_not_found', `There is no organisation "${id}".`);
  return row;
}

/** By id. */
export async function listOrganizations(
  db: Database,
  { limit, after = '' }: { readonly limit: number; readonly after?: string | undefined },
): Promise<Organization[]> {
  const found = db.selectFrom('organizations').select(['id', 'name']).where('id', '>', after);
  return await found.orderBy('id').limit(limit).execute();
}
