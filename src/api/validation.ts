import type { ValidationTargets } from 'hono';
import type { z } from 'zod';
import { invalidRequest, toFieldErrors } from '../contract/field-errors.ts';

interface Checked {
  readonly target: keyof ValidationTargets;
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: z.ZodError;
}

/** Runs after every schema check of a route: throws `invalid_request` naming each wrong field. */
export function checkInput({ target, success, data, error }: Checked): undefined {
  if (!success)
    throw invalidRequest(
      (error?.issues ?? []).flatMap((issue) => toFieldErrors(issue)),
      placeOf(target),
    );
  const unstorable = findUnstorable(data, []);
  if (unstorable !== undefined) {
    const message = 'contains U+0000 or half of a surrogate pair, which the database cannot store';
    throw invalidRequest([{ field: unstorable.join('.'), message }], placeOf(target));
  }
}

function placeOf(target: keyof ValidationTargets): string {
  return target === 'json' ? 'body' : target === 'query' ? 'query' : 'path';
}

/** Kept as JSON text, where every character has an escape; everything else goes into columns of its own. */
const storedAsJson: ReadonlySet<string> = new Set([
  'content',
  'attachments',
  'customer',
  'browserSession',
  'code',
  'attributes',
]);
const unstorableText = /\0|\p{Surrogate}/u;

function findUnstorable(value: unknown, path: readonly string[]): readonly string[] | undefined {
  if (typeof value === 'string') return unstorableText.test(value) ? path : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner !== 'string' && typeof inner !== 'object') continue;
    if (storedAsJson.has(key)) continue;
    const found = findUnstorable(inner, [...path, key]);
    if (found !== undefined) return found;
  }
  return undefined;
}
