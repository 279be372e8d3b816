import { z } from 'zod';
import { limits } from '../domain/limits.ts';

const startsWithCapital = new RegExp(`^[A-Z][A-Z0-9_]{0,${String(limits.secretNameCharacters - 1)}}$`, 'u');

export const SecretName = z
  .string()
  .regex(
    startsWithCapital,
    `at most ${String(limits.secretNameCharacters)} capital letters, digits and "_", beginning with a letter`,
  )
  .meta({ id: 'SecretName' });

const kilobytes = String(limits.secretBytes / 1024);
const fewest = String(limits.secretCharactersAtLeast);

export const SecretInput = z
  .strictObject({
    value: z
      .string()
      .refine((value) => Array.from(value.trim()).length >= limits.secretCharactersAtLeast, {
        error: `must be at least ${fewest} characters long, without spaces at its ends: what is shorter cannot be masked`,
      })
      .refine((value) => Buffer.byteLength(value) <= limits.secretBytes, {
        error: `must be at most ${kilobytes} KB of UTF-8`,
      })
      .meta({ description: 'Never shown again.', minLength: limits.secretCharactersAtLeast }),
  })
  .meta({ id: 'SecretInput' });

/** What anybody is told of a secret: never a part of its value. */
export const Secret = z
  .object({ name: SecretName, createdAt: z.string(), updatedAt: z.string() })
  .meta({ id: 'Secret' });
export type Secret = z.infer<typeof Secret>;
