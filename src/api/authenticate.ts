import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { organizationOfKey } from '../store/api-keys.ts';
import type { Store } from '../store/database.ts';
import type { ApiEnvironment } from './environment.ts';

/** A revoked key works for at most this much longer. */
const rememberedMs = 3_000;
const keysRemembered = 1_000;

/** Finds the organisation of the request's key. Throws `unauthorized`. */
export function authenticate(store: Store) {
  const organizationOf = rememberKeys((key) => organizationOfKey(store.db, key));
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const [scheme, key, ...rest] = (c.req.header('authorization') ?? '').trim().split(/\s+/);
    if (scheme?.toLowerCase() !== 'bearer' || key === undefined || rest.length > 0) {
      throw new AfterwordError('unauthorized', 'The request has no header "Authorization: Bearer <key>".');
    }
    const organizationId = await organizationOf(key);
    if (organizationId === undefined)
      throw new AfterwordError('unauthorized', 'The API key is not known or was revoked.');
    c.set('organizationId', organizationId);
    await next();
  });
}

/** Good keys only: guesses must not push them out. By hash, so that a memory dump shows no key. */
function rememberKeys(
  lookUp: (key: string) => Promise<{ organizationId: string } | undefined>,
): (key: string) => Promise<string | undefined> {
  const remembered = new Map<string, { organizationId: string; until: number }>();
  return async (key) => {
    const hash = createHash('sha256').update(key).digest('base64');
    const known = remembered.get(hash);
    if (known !== undefined && Date.now() < known.until) return known.organizationId;
    remembered.delete(hash);
    const found = await lookUp(key);
    if (found === undefined) return undefined;
    if (remembered.size >= keysRemembered) remembered.clear();
    remembered.set(hash, { organizationId: found.organizationId, until: Date.now() + rememberedMs });
    return found.organizationId;
  };
}
