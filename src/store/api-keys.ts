import { createHash, randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { ApiKey } from '../contract/api-key.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Scope } from '../domain/scopes.ts';
import type { Database } from './database.ts';
import { isMissingReference } from './store-errors.ts';
import type { ApiKeysTable } from './tables-accounts.ts';

const keyPrefix = 'aw_';
const shownCharacters = 8;

export interface NewApiKey {
  readonly id: string;
  /** The key itself: `aw_` and 43 characters of base64url, 256 bits. It is shown once and stored only as a hash. */
  readonly key: string;
  readonly prefix: string;
}

export interface ApiKeyOptions {
  /** One that the operator chose; left out: a new one. */
  readonly key?: string | undefined;
  /** Left out: `admin`. */
  readonly scopes?: readonly Scope[];
  readonly expiresAt?: Date | null;
  /** Requests a second; null: what the server allows each key. */
  readonly rateLimit?: number | null;
}

/**
 * Makes a key for the organisation, or registers the given one (an operator's own). Registering a key again for the
 * same organisation gives it the scopes named now and leaves it revoked where it was; for another one it throws
 * `invalid_request`. Throws `organization_not_found`.
 */
export async function createApiKey(
  db: Database,
  organizationId: string,
  name: string,
  { key = newKey(), scopes = ['admin'], expiresAt = null, rateLimit = null }: ApiKeyOptions = {},
): Promise<NewApiKey> {
  const prefix = key.slice(0, shownCharacters);
  const row = await db
    .insertInto('api_keys')
    .values({
      id: uuidv7(),
      organization_id: organizationId,
      name,
      prefix,
      hash: hashOf(key),
      scopes: [...scopes],
      expires_at: expiresAt,
      rate_limit: rateLimit,
      revoked_at: null,
    })
    .onConflict((conflict) =>
      conflict
        .column('hash')
        .doUpdateSet({ scopes: [...scopes] })
        .where('api_keys.organization_id', '=', organizationId),
    )
    .returning('id')
    .executeTakeFirst()
    .catch((error: unknown) => {
      if (!isMissingReference(error)) throw error;
      throw new AfterwordError('organization_not_found', `There is no organisation "${organizationId}".`);
    });
  if (row === undefined) throw new AfterwordError('invalid_request', 'This API key belongs to another organisation.');
  return { id: row.id, key, prefix };
}

/** Whose a key is and what it may do. */
export interface KnownKey {
  readonly organizationId: string;
  readonly keyId: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: Date | null;
  /** Requests a second; null: what the server allows each key. */
  readonly rateLimit: number | null;
}

/** undefined for an unknown or revoked key. Whether it has expired is for the caller to see. The one query that finds an organisation. */
export async function findKey(db: Database, key: string): Promise<KnownKey | undefined> {
  const row = await db
    .selectFrom('api_keys')
    .select(['id', 'organization_id', 'name', 'scopes', 'expires_at', 'rate_limit'])
    .where('hash', '=', hashOf(key))
    .where('revoked_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  return {
    organizationId: row.organization_id,
    keyId: row.id,
    name: row.name,
    scopes: row.scopes,
    expiresAt: row.expires_at,
    rateLimit: row.rate_limit,
  };
}

/** Newest first, revoked and expired ones too. */
export async function listApiKeys(
  db: Database,
  organizationId: string,
  page: { readonly limit: number; readonly before?: string },
): Promise<ApiKey[]> {
  const { before } = page;
  const rows = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .$if(before !== undefined, (query) => query.where('id', '<', before ?? ''))
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
  return rows.map(toApiKey);
}

/** Throws `api_key_not_found`. */
export async function getApiKey(db: Database, organizationId: string, id: string): Promise<ApiKey> {
  const row = await db
    .selectFrom('api_keys')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw keyNotFound(id);
  return toApiKey(row);
}

export function keyNotFound(id: string): AfterwordError {
  return new AfterwordError('api_key_not_found', `There is no API key "${id.slice(0, 100)}".`);
}

/** That it was used now; at most once a minute for all servers together. */
export async function noteKeyUsed(db: Database, keyId: string): Promise<void> {
  const now = new Date();
  await db
    .updateTable('api_keys')
    .set({ last_used_at: now })
    .where('id', '=', keyId)
    .where((where) =>
      where.or([where('last_used_at', 'is', null), where('last_used_at', '<', new Date(now.getTime() - 50_000))]),
    )
    .execute();
}

export function toApiKey(row: Selectable<ApiKeysTable>): ApiKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: row.scopes,
    rateLimit: row.rate_limit,
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at?.toISOString() ?? null,
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    revokedAt: row.revoked_at?.toISOString() ?? null,
  };
}

function newKey(): string {
  return keyPrefix + randomBytes(32).toString('base64url');
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
