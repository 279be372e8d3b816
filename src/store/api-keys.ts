import { createHash, randomBytes } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { AfterwordError } from '../domain/errors.ts';
import type { Scope } from '../domain/scopes.ts';
import type { Database } from './database.ts';

const keyPrefix = 'aw_';
const shownCharacters = 8;

export interface NewApiKey {
  readonly id: string;
  /** The key itself: `aw_` and 43 characters of base64url, 256 bits. It is shown once and stored only as a hash. */
  readonly key: string;
  readonly prefix: string;
}

/**
 * Makes a key for the organisation, or registers the given one (an operator's own). Registering a key again for the
 * same organisation answers the first registration; for another one it throws `invalid_request`.
 */
export async function createApiKey(
  db: Database,
  organizationId: string,
  name: string,
  key: string = keyPrefix + randomBytes(32).toString('base64url'),
): Promise<NewApiKey> {
  const prefix = key.slice(0, shownCharacters);
  const hash = hashOf(key);
  const id = uuidv7();
  const inserted = await db
    .insertInto('api_keys')
    .values({ id, organization_id: organizationId, name, prefix, hash, revoked_at: null })
    .onConflict((conflict) => conflict.column('hash').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted !== undefined) return { id, key, prefix };
  const known = await db
    .selectFrom('api_keys')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('hash', '=', hash)
    .executeTakeFirst();
  if (known === undefined) {
    throw new AfterwordError('invalid_request', 'This API key belongs to another organisation.');
  }
  return { id: known.id, key, prefix };
}

/** Whose a key is and what it may do. */
export interface KnownKey {
  readonly organizationId: string;
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
}

/** undefined for an unknown or revoked key. Whether it has expired is for the caller to see. The one query that finds an organisation. */
export async function findKey(db: Database, key: string): Promise<KnownKey | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(['id', 'organization_id', 'scopes', 'expires_at'])
    .where('hash', '=', hashOf(key))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return { organizationId: row.organization_id, keyId: row.id, scopes: row.scopes, expiresAt: row.expires_at };
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
