import { createMiddleware } from 'hono/factory';
import { AfterwordError } from '../domain/errors.ts';
import { allows, type Scope } from '../domain/scopes.ts';
import type { ApiEnvironment } from './environment.ts';

/** Refuses keys without the scope. Throws `forbidden`. */
export function requireScope(needed: Scope) {
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const granted = c.get('scopes');
    if (!allows(granted, needed)) {
      const has = granted.length === 0 ? 'none' : granted.join(', ');
      throw new AfterwordError(
        'forbidden',
        `This needs a key with the scope "${needed}"; the scopes of this one: ${has}.`,
      );
    }
    await next();
  });
}
