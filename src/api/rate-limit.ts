import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ApiEnvironment } from './environment.ts';
import { type Rate, type Taken, TokenBuckets } from './token-buckets.ts';

/** Of one address, keys that nobody knows. */
export const guessesAllowed: Rate = { perSecond: 1 / limits.failedKeySeconds, burst: limits.failedKeys };

/** What a key has left is in the headers of every answer (draft-ietf-httpapi-ratelimit-headers). Throws `too_many_requests`. */
export function limitRate(ofEachKey: Rate) {
  const buckets = new TokenBuckets();
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const own = c.get('keyRateLimit');
    const rate = own === null ? ofEachKey : { perSecond: own, burst: 2 * own };
    const taken = buckets.take(c.get('keyId'), rate);
    c.header('RateLimit-Policy', `"key";q=${rate.burst};w=${Math.ceil(rate.burst / rate.perSecond)}`);
    c.header('RateLimit', `"key";r=${taken.remaining};t=${seconds(taken.fullMs)}`);
    if (!taken.allowed) throw tooManyRequests(`The key may make ${rate.perSecond} requests a second.`, taken);
    await next();
  });
}

export function tooManyRequests(detail: string, { waitMs }: Taken): AfterwordError {
  return new AfterwordError('too_many_requests', detail, { retryAfterMs: waitMs });
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
