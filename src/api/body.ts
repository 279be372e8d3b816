import { isUtf8 } from 'node:buffer';
import { bodyLimit } from 'hono/body-limit';
import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ApiEnvironment } from './environment.ts';

/** Throws `payload_too_large` before more than the limit is in memory. */
export function limitBody(maxBytes: number = limits.requestBodyBytes) {
  return bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new AfterwordError('payload_too_large', `The body has more than ${maxBytes} bytes.`);
    },
  });
}

/** Otherwise broken bytes would silently become U+FFFD in what is stored. Throws `invalid_json`. */
export const requireUtf8 = createMiddleware<ApiEnvironment>(async (c, next) => {
  if (c.req.raw.body !== null && !isUtf8(await c.req.arrayBuffer())) {
    throw new AfterwordError('invalid_json', 'The body is not valid UTF-8.');
  }
  await next();
});
