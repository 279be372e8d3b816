import { AfterwordError } from '../domain/errors.ts';

/**
 * PostgreSQL stores no NUL character: `invalid_request` naming the first field of the input that has one, as a path
 * from `root`.
 */
export function refuseNul(input: object, root?: string): void {
  const field = pathOfNul(input, root);
  if (field === undefined) return;
  const message = 'The text has a NUL character (\\u0000), which cannot be stored.';
  throw new AfterwordError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}

function pathOfNul(value: unknown, path: string | undefined): string | undefined {
  if (typeof value === 'string') return value.includes('\0') ? path : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (key.includes('\0')) return path;
    const found = pathOfNul(inner, path === undefined ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
