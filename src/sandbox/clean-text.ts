import type { JsonValue } from '../contract/json.ts';
import { limits } from '../domain/limits.ts';

export class UncleanJson extends Error {
  override readonly name = 'UncleanJson';
}

const unstorable = /[\0\p{Surrogate}]/u;
const allUnstorable = new RegExp(unstorable, 'gu');

/** Valid Unicode without NUL, which PostgreSQL's text does not hold. */
export function cleanText(text: string): string {
  return unstorable.test(text) ? text.replace(allUnstorable, '\ufffd') : text;
}

/**
 * What JSON.parse made of a child's line, as a value that can be stored: text clean, numbers finite (`1e999` parses to
 * Infinity), not nested too deeply. Throws UncleanJson, whose message is for the handler's author.
 */
export function cleanJson(value: unknown, depth = 0): JsonValue {
  if (depth > limits.jsonNesting)
    throw new UncleanJson(`is nested more than ${String(limits.jsonNesting)} levels deep`);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new UncleanJson('holds a number too large for JSON');
    return value;
  }
  if (Array.isArray(value)) return value.map((item) => cleanJson(item, depth + 1));
  if (typeof value !== 'object') throw new UncleanJson('is not JSON');
  // fromEntries defines properties, so that a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [cleanText(key), cleanJson(item, depth + 1)]));
}
