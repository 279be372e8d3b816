import { z } from 'zod';
import { limits } from '../domain/limits.ts';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export const JsonValue: z.ZodType<JsonValue> = z
  .unknown()
  // Before the schema, which recurses and overflows its stack.
  .refine((value) => isNestedWithin(value, limits.jsonNesting), `is nested more than ${limits.jsonNesting} levels deep`)
  .pipe(z.json());
export const JsonObject: z.ZodType<JsonObject> = z.record(z.string(), JsonValue);

function isNestedWithin(value: unknown, levels: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > levels) return false;
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? (Object.values(item) as unknown[]) : [],
    );
  }
  return true;
}

export const NullableJsonObject = JsonObject.nullable();
