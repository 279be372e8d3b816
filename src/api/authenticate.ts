import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import type { KnownKey } from '../store/api-keys.ts';
import { addressOf } from './address-of.ts';
import type { ApiEnvironment } from './environment.ts';
import type { KnownKeys } from './known-keys.ts';
import { guessesAllowed, tooManyRequests } from './rate-limit.ts';
import { TokenBuckets } from './token-buckets.ts';

/** What Syllable's clients send in place of a Bearer token. */
const syllableHeader = 'Syllable-API-Key';
/** What the datalake's client sends when it asks. */
const datalakeHeader = 'secretsaccesstoken';

/**
 * Finds the organisation of the request's key and what the key may do. Throws `unauthorized`, and `too_many_requests` for an
 * address from which too many keys came that nobody knows; keys that were good before go on working there.
 */
export function authenticate(keys: KnownKeys) {
  const guesses = new TokenBuckets();

  async function find(key: string, address: string | undefined): Promise<KnownKey> {
    const isGuess = address !== undefined && !keys.wasGood(key);
    if (isGuess && guesses.look(address, guessesAllowed).remaining < 1) {
      throw tooManyRequests('Too many unknown API keys came from this address.', guesses.take(address, guessesAllowed));
    }
    const known = await keys.find(key);
    if (known !== undefined) return known;
    if (address !== undefined) guesses.take(address, guessesAllowed);
    throw new AfterwordError('unauthorized', 'The API key is not known or was revoked.');
  }

  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const known = await find(
      givenKey(c.req.header('authorization'), c.req.header(syllableHeader) ?? c.req.header(datalakeHeader)),
      addressOf(c),
    );
    if (known.expiresAt !== null && known.expiresAt.getTime() <= Date.now()) {
      throw new AfterwordError('unauthorized', `The API key expired at ${known.expiresAt.toISOString()}.`);
    }
    c.set('organizationId', known.organizationId);
    c.set('keyId', known.keyId);
    c.set('keyName', known.name);
    c.set('keyRateLimit', known.rateLimit);
    c.set('scopes', known.scopes);
    keys.noteUse(known.keyId);
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
