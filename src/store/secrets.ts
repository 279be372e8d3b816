import { sql, type Selectable } from 'kysely';
import type { Secret } from '../contract/secret.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Database } from './database.ts';
import type { SecretsTable } from './tables-accounts.ts';
import { inTransaction } from './transaction.ts';

const shown = ['name', 'created_at', 'updated_at'] as const;

/** By name, without their values. */
export async function listSecrets(db: Database, organizationId: string): Promise<Secret[]> {
  const rows = await db
    .selectFrom('secrets')
    .select(shown)
    .where('organization_id', '=', organizationId)
    .orderBy('name')
    .execute();
  return rows.map(toSecret);
}

/** Writes a value over the one before. Throws `limit_exceeded` for one secret more than an organisation may have. */
export async function putSecret(
  db: Database,
  organizationId: string,
  name: string,
  sealed: string,
): Promise<{ readonly secret: Secret; readonly created: boolean }> {
  return await inTransaction(db, async (trx) => {
    // One at a time for an organisation, so that two together do not pass the limit.
    await sql`select 1 from organizations where id = ${organizationId} for update`.execute(trx);
    const known = await trx
      .updateTable('secrets')
      .set({ sealed, updated_at: new Date() })
      .where('organization_id', '=', organizationId)
      .where('name', '=', name)
      .returning(shown)
      .executeTakeFirst();
    if (known !== undefined) return { secret: toSecret(known), created: false };
    if ((await countSecrets(trx, organizationId)) >= limits.secretsPerOrganization) {
      const most = String(limits.secretsPerOrganization);
      throw new AfterwordError('limit_exceeded', `The organisation has ${most} secrets, as many as it may have.`);
    }
    const row = await trx
      .insertInto('secrets')
      .values({ organization_id: organizationId, name, sealed })
      .returning(shown)
      .executeTakeFirstOrThrow();
    return { secret: toSecret(row), created: true };
  });
}

/** Throws `secret_not_found`. Executions of handlers that are granted it fail from now on. */
export async function deleteSecret(db: Database, organizationId: string, name: string): Promise<Secret> {
  const row = await db
    .deleteFrom('secrets')
    .where('organization_id', '=', organizationId)
    .where('name', '=', name)
    .returning(shown)
    .executeTakeFirst();
  if (row === undefined) throw new AfterwordError('secret_not_found', `There is no secret "${name}".`);
  return toSecret(row);
}

/** Those of the names that there are, sealed. */
export async function sealedSecrets(
  db: Database,
  organizationId: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom('secrets')
    .select(['name', 'sealed'])
    .where('organization_id', '=', organizationId)
    .where('name', 'in', names)
    .execute();
  return new Map(rows.map(({ name, sealed }) => [name, sealed]));
}

/** Those of the names that there are not. */
export async function missingSecrets(
  db: Database,
  organizationId: string,
  names: readonly string[],
): Promise<string[]> {
  if (names.length === 0) return [];
  const known = await sealedSecrets(db, organizationId, names);
  return names.filter((name) => !known.has(name));
}

async function countSecrets(db: Database, organizationId: string): Promise<number> {
  const { count } = await db
    .selectFrom('secrets')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('organization_id', '=', organizationId)
    .executeTakeFirstOrThrow();
  return count;
}

function toSecret(row: Pick<Selectable<SecretsTable>, (typeof shown)[number]>): Secret {
  return { name: row.name, createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() };
}
