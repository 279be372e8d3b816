import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ApiEnvironment } from './environment.ts';
import type { ApiContext } from './problems.ts';

/** Throws `payload_too_large` before more than the limit is in memory. */
export function limitBody(maxBytes: number = limits.requestBodyBytes) {
  const refuse = () => {
    throw new AfterwordError('payload_too_large', `The body has more than ${maxBytes} bytes.`);
  };
  const counted = bodyLimit({ maxSize: maxBytes, onError: refuse });
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    if (!mayHaveBody(c)) {
      await next();
      return;
    }
    // Node hands on no more than a request says that it has. To count makes a stream of it, which costs as much as all else here.
    const said = c.req.header('transfer-encoding') === undefined ? c.req.header('content-length') : undefined;
    if (said === undefined) return await counted(c, next);
    if (Number(said) > maxBytes) refuse();
    await next();
  });
}

/** Otherwise broken bytes would silently become U+FFFD in what is stored. Throws `invalid_json`. */
export const requireUtf8 = createMiddleware<ApiEnvironment>(async (c, next) => {
  if (mayHaveBody(c)) {
    const text = textOf(await c.req.arrayBuffer());
    if (text === undefined) throw new AfterwordError('invalid_json', 'The body is not valid UTF-8.');
    // Else it would be decoded once more, by way of a response.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  }
  await next();
});

function mayHaveBody(c: ApiContext): boolean {
  return c.req.method !== 'GET' && c.req.method !== 'HEAD';
}

function textOf(bytes: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
