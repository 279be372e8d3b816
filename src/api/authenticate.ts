import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { findKey, type KnownKey } from '../store/api-keys.ts';
import type { Store } from '../store/database.ts';
import type { ApiEnvironment } from './environment.ts';

/** A revoked key works for at most this much longer. */
const rememberedMs = 3_000;
const keysRemembered = 1_000;
/** What Syllable's clients send in place of a Bearer token. */
const syllableHeader = 'Syllable-API-Key';

/** Finds the organisation of the request's key and what the key may do. Throws `unauthorized`. */
export function authenticate(store: Store) {
  const find = rememberKeys((key) => findKey(store.db, key));
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const key = givenKey(c.req.header('authorization'), c.req.header(syllableHeader));
    const known = await find(key);
    if (known === undefined) throw new AfterwordError('unauthorized', 'The API key is not known or was revoked.');
    if (known.expiresAt !== null && known.expiresAt.getTime() <= Date.now()) {
      throw new AfterwordError('unauthorized', `The API key expired at ${known.expiresAt.toISOString()}.`);
    }
    c.set('organizationId', known.organizationId);
    c.set('keyId', known.keyId);
    c.set('scopes', known.scopes);
    await next();
  });
}

/** Both at once may be meant for two systems, so the one that names its scheme wins. Throws `unauthorized`. */
function givenKey(authorization: string | undefined, apiKey: string | undefined): string {
  if (authorization === undefined && apiKey !== undefined && apiKey.trim() !== '') return apiKey.trim();
  const [scheme, key, ...rest] = (authorization ?? '').trim().split(/\s+/);
  if (scheme?.toLowerCase() === 'bearer' && key !== undefined && rest.length === 0) return key;
  const expected = `"Authorization: Bearer <key>" or "${syllableHeader}: <key>"`;
  throw new AfterwordError('unauthorized', `The request has no header ${expected}.`);
}

/** Good keys only: guesses must not push them out. By hash, so that a memory dump shows no key. */
function rememberKeys(
  lookUp: (key: string) => Promise<KnownKey | undefined>,
): (key: string) => Promise<KnownKey | undefined> {
  const remembered = new Map<string, { known: KnownKey; until: number }>();
  return async (key) => {
    const hash = createHash('sha256').update(key).digest('base64');
    const before = remembered.get(hash);
    if (before !== undefined && Date.now() < before.until) return before.known;
    remembered.delete(hash);
    const known = await lookUp(key);
    if (known === undefined) return undefined;
    if (remembered.size >= keysRemembered) remembered.clear();
    remembered.set(hash, { known, until: Date.now() + rememberedMs });
    return known;
  };
}
