import type { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';

/** Ten faults are enough to see what is wrong; a conversation of 20,000 bad messages would make 20,000 lines. */
const faultsShown = 10;

/** `where`: what the fields are in, such as `body`. */
export function invalidRequest(errors: readonly FieldError[], where: string): AfterwordError {
  const shown = errors.slice(0, faultsShown);
  const more = errors.length - shown.length;
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
