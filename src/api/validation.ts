import type { ValidationTargets } from 'hono';
import type { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';

/** Ten faults are enough to see what is wrong; a conversation of 20,000 bad messages would make 20,000 lines. */
const faultsShown = 10;

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
      target,
    );
  const unstorable = findUnstorable(data, []);
  if (unstorable !== undefined) {
    const message = 'contains U+0000 or half of a surrogate pair, which the database cannot store';
    throw invalidRequest([{ field: unstorable.join('.'), message }], target);
  }
}

export function invalidRequest(
  errors: readonly FieldError[],
  target: keyof ValidationTargets = 'json',
): AfterwordError {
  const shown = errors.slice(0, faultsShown);
  const more = errors.length - shown.length;
  const where = target === 'json' ? 'body' : target === 'query' ? 'query' : 'path';
  const list = shown.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`)).join('; ');
  return new AfterwordError('invalid_request', `In the ${where}: ${list}${more > 0 ? `; and ${more} more` : ''}.`, {
    fields: shown,
  });
}

export function toFieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  const field = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      message: 'is not a known field',
    }));
  }
  return [{ field, message: expectation(issue) }];
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    const missing = issue.message.endsWith('received undefined');
    return missing ? `is required (${issue.expected})` : issue.message.replace('Invalid input: ', '');
  }
  if (issue.code === 'too_big') return `must be ${range('at most', issue.maximum, issue.origin)}`;
  if (issue.code === 'too_small') return `must be ${range('at least', issue.minimum, issue.origin)}`;
  if (issue.code === 'invalid_value') return `expected one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_format' && issue.format === 'regex') return `expected ${issue.message}`;
  if (issue.code === 'invalid_format') return formats[issue.format] ?? issue.message;
  return issue.message;
}

const formats: Readonly<Record<string, string>> = {
  datetime: 'expected a time with an offset, such as 2026-01-31T12:00:00Z',
  uuid: 'expected a UUID',
};

function range(bound: string, size: number | bigint, origin: string): string {
  if (origin === 'string') return `${bound} ${size} characters long`;
  if (origin === 'array') return `${bound} ${size} items long`;
  return `${bound} ${size}`;
}

/** Kept as JSON text, where every character has an escape; everything else goes into columns of its own. */
const storedAsJson: ReadonlySet<string> = new Set(['content', 'attachments', 'customer', 'browserSession', 'code']);
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
