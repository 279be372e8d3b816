import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { CredentialsTable } from './tables-accounts.ts';

export type CredentialsKind = CredentialsTable['kind'];

export interface ShownCredentials {
  /** JSON of what people are told. */
  readonly shown: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** In place of those there were. */
export async function putCredentials(
  db: Database,
  organizationId: string,
  kind: CredentialsKind,
  values: { readonly sealed: string; readonly shown: string },
): Promise<ShownCredentials> {
  const row = await db
    .insertInto('credentials')
    .values({ organization_id: organizationId, kind, ...values })
    .onConflict((conflict) =>
      conflict.columns(['organization_id', 'kind']).doUpdateSet({ ...values, updated_at: new Date() }),
    )
    .returning(['shown', 'created_at', 'updated_at'])
    .executeTakeFirstOrThrow();
  return toShown(row);
}

/** Throws `credentials_not_found`. */
export async function getCredentials(
  db: Database,
  organizationId: string,
  kind: CredentialsKind,
): Promise<ShownCredentials> {
  const row = await db
    .selectFrom('credentials')
    .select(['shown', 'created_at', 'updated_at'])
    .where('organization_id', '=', organizationId)
    .where('kind', '=', kind)
    .executeTakeFirst();
  if (row === undefined) throw notFound(kind);
  return toShown(row);
}

/** Throws `credentials_not_found`. */
export async function deleteCredentials(
  db: Database,
  organizationId: string,
  kind: CredentialsKind,
): Promise<ShownCredentials> {
  const row = await db
    .deleteFrom('credentials')
    .where('organization_id', '=', organizationId)
    .where('kind', '=', kind)
    .returning(['shown', 'created_at', 'updated_at'])
    .executeTakeFirst();
  if (row === undefined) throw notFound(kind);
  return toShown(row);
}

/** undefined where the organisation has none of its own. */
export async function sealedCredentials(
  db: Database,
  organizationId: string,
  kind: CredentialsKind,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('credentials')
    .select('sealed')
    .where('organization_id', '=', organizationId)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row?.sealed;
}

function toShown(row: { shown: string; created_at: Date; updated_at: Date }): ShownCredentials {
  return { shown: row.shown, createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() };
}

function notFound(kind: CredentialsKind): AfterwordError {
  const name = kind === 'llm' ? 'LLM' : 'Google';
  return new AfterwordError('credentials_not_found', `The organisation has no ${name} credentials of its own.`);
}
