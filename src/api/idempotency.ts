import { createHash } from 'node:crypto';
import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { invalidRequest } from '../contract/field-errors.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { logAnswerNotKept } from '../observability/server-log.ts';
import type { Database } from '../store/database.ts';
import {
  claimIdempotencyKey,
  forgetOldAnswers,
  giveBackIdempotencyKey,
  keepFirstAnswer,
  type FirstAnswer,
} from '../store/idempotency-keys.ts';
import type { ApiEnvironment } from './environment.ts';
import type { ApiContext } from './problems.ts';

const header = 'Idempotency-Key';
/** Of the first answer; the others are made anew. */
const keptHeaders = ['content-type', 'location'];
const whileUnderWayMs = 1_000;
const cleanEveryMs = 3_600_000;

/**
 * For routes that start something. The same request with the same `Idempotency-Key` gets the first answer again; another one
 * throws `idempotency_key_reused`, one that comes while the first is under way `idempotency_key_in_use`. Only what was
 * done is kept: after an error answer the key can be used again.
 */
export const onceByKey = createMiddleware<ApiEnvironment>(async (c, next) => {
  const given = c.req.header(header);
  if (given === undefined) {
    await next();
    return;
  }
  const key = checkedKey(given);
  const { db, log } = c.get('services');
  const organizationId = c.get('organizationId');
  cleanSometimes(db);
  const claimed = await claimIdempotencyKey(db, organizationId, key, await hashOfRequest(c));
  if (claimed.state === 'answered') return again(claimed);
  if (claimed.state === 'other request') {
    throw new AfterwordError('idempotency_key_reused', `"${key}" came with another request before.`);
  }
  if (claimed.state === 'under way') {
    const detail = `The first request with "${key}" has not been answered yet.`;
    throw new AfterwordError('idempotency_key_in_use', detail, { retryAfterMs: whileUnderWayMs });
  }
  await next();
  const mine = { key, claim: claimed.claim };
  try {
    if (c.res.ok && c.get('unfinished') !== true)
      await keepFirstAnswer(db, organizationId, mine, await toFirstAnswer(c.res));
    else await giveBackIdempotencyKey(db, organizationId, mine);
  } catch (error) {
    // What was asked for is done, and its answer goes out; a repeat is told to wait, and begins anew when that is over.
    logAnswerNotKept(log, c.get('requestId'), error);
  }
});

/** As the draft has it, in quotes, or bare as many send it. */
function checkedKey(given: string): string {
  const key = /^"(.*)"$/u.exec(given)?.[1] ?? given;
  if (/^[\x20-\x7e]+$/u.test(key) && key.length <= limits.idempotencyKeyCharacters) return key;
  const message = `expected 1 to ${limits.idempotencyKeyCharacters} printable ASCII characters`;
  throw invalidRequest([{ field: header, message }], 'headers');
}

/** With the headers that carry an event in CloudEvents' binary mode. */
async function hashOfRequest(c: ApiContext): Promise<string> {
  const { pathname, search } = new URL(c.req.url);
  const told = Object.entries(c.req.header()).filter(([name]) => name === 'content-type' || name.startsWith('ce-'));
  const hash = createHash('sha256').update(JSON.stringify([c.req.method, pathname, search, told.toSorted()]));
  return hash.update(Buffer.from(await c.req.arrayBuffer())).digest('hex');
}

async function toFirstAnswer(response: Response): Promise<FirstAnswer> {
  const headers = Object.fromEntries(keptHeaders.map((name) => [name, response.headers.get(name)]));
  return { status: response.status, headers: JSON.stringify(headers), body: await response.clone().text() };
}

const Headers = z.record(z.string(), z.string().nullable());

function again({ status, headers, body }: FirstAnswer): Response {
  const kept = Object.entries(Headers.parse(JSON.parse(headers))).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] satisfies [string, string]],
  );
  return new Response(body === '' ? null : body, {
    status,
    headers: [...kept, ['Idempotency-Replayed', 'true']],
  });
}

let cleanAfter = 0;

function cleanSometimes(db: Database): void {
  if (Date.now() < cleanAfter) return;
  cleanAfter = Date.now() + cleanEveryMs;
  forgetOldAnswers(db).catch(() => undefined);
}
