import type { Database } from './database.ts';

export interface Organization {
  readonly id: string;
  readonly name: string;
}

/** Makes the organisation unless its id is known already; its name is then left as it is. */
export async function ensureOrganization(db: Database, organization: Organization): Promise<void> {
  await db
    .insertInto('organizations')
    .values({ id: organization.id, name: organization.name })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
}

export async function listOrganizations(db: Database): Promise<Organization[]> {
  return await db.selectFrom('organizations').select(['id', 'name']).orderBy('id').execute();
}
