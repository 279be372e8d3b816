import { z } from 'zod';

/** Text whose length counts Unicode characters, as Python's `len` does, not UTF-16 units. */
export function text(what: string, bounds: { min?: number; max: number }): z.ZodType<string> {
  const min = bounds.min ?? 0;
  return z.string({ error: 'must be a string' }).superRefine((value, context) => {
    // A character is one or two UTF-16 units: count only where it can matter.
    const length = value.length <= bounds.max && value.length >= min * 2 ? value.length : Array.from(value).length;
    if (value.includes('\u0000')) {
      context.addIssue({ code: 'custom', message: `${what} must not contain the NUL character` });
    }
    if (length < min) context.addIssue({ code: 'custom', message: `${what} must not be empty` });
    if (length > bounds.max) {
      context.addIssue({
        code: 'custom',
        message: `${what} is ${String(length)} characters long; at most ${String(bounds.max)} are allowed`,
      });
    }
  });
}
