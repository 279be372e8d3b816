// Values to JSON text, strictly: what JSON cannot hold is refused with its place and what to do about it.
//
// As JSON.stringify does, `toJSON` is asked (a Date becomes its ISO text), `undefined` is left out of objects and is null
// elsewhere. It would also turn NaN into null and a Map into {}: here they are refused.

const { stringify } = JSON;

/** The message is for the handler's author. */
export class NotJson extends Error {}

/**
 * By the names of their classes: Deno loads those of the web when they are first looked at, which costs 15 ms.
 *
 * @type {ReadonlyMap<string, string>}
 */
const hints = new Map([
  ['Map', 'use Object.fromEntries()'],
  ['Set', 'use [...set]'],
  ['WeakMap', 'it cannot be listed'],
  ['WeakSet', 'it cannot be listed'],
  ['Promise', 'await it'],
  ['Response', 'await its .json() or .text()'],
  ['Request', 'pass its .url'],
  ['Headers', 'use Object.fromEntries()'],
  ['URLSearchParams', 'use Object.fromEntries() or String()'],
  ['FormData', 'use Object.fromEntries()'],
  ['Blob', 'await its .text()'],
  ['RegExp', 'use its .source'],
  ['ArrayBuffer', 'use a list of numbers or text'],
]);

/**
 * @param {unknown} value
 * @param {string} name what messages call the value, e.g. `result`
 */
export function toJson(value, name) {
  try {
    return stringify(plain(value, name, [], '') ?? null);
  } catch (error) {
    if (error instanceof RangeError) throw new NotJson(`${name} is nested too deeply, or too large, for JSON.`);
    throw error;
  }
}

/**
 * @param {unknown} given
 * @param {string} place
 * @param {object[]} above the containers around it
 * @param {string} key as `toJSON` is told
 * @returns {unknown}
 */
function plain(given, place, above, key) {
  const value = hasToJson(given) ? given.toJSON(key) : given;
  if (value === null || value === undefined || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw new NotJson(`${place} is ${String(value)}, which JSON cannot hold.`);
  }
  if (typeof value !== 'object') {
    const hint = typeof value === 'bigint' ? '; use Number() or String()' : '';
    throw new NotJson(`${place} is of type ${typeof value}, which JSON cannot hold${hint}.`);
  }
  if (value instanceof Number || value instanceof String || value instanceof Boolean) return value.valueOf();
  const kind = kindOf(value);
  const hint = value instanceof Error ? 'use its .message' : hints.get(kind);
  if (hint) throw new NotJson(`${place} is of type ${kind}, which JSON cannot hold (${hint}).`);
  if (ArrayBuffer.isView(value)) throw new NotJson(`${place} holds bytes, which JSON cannot hold (use Array.from()).`);
  if (above.includes(value)) throw new NotJson(`${place} contains itself, which JSON cannot hold.`);
  const inside = [...above, value];
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => plain(item, `${place}[${index}]`, inside, String(index)) ?? null);
  }
  // Without a prototype, so that a key `__proto__` is a key like any other.
  const copy = Object.create(null);
  for (const [name, item] of Object.entries(value)) {
    const kept = plain(item, `${place}${placeOf(name)}`, inside, name);
    if (kept !== undefined) copy[name] = kept;
  }
  return copy;
}

/**
 * @param {unknown} value
 * @returns {value is { toJSON: (key: string) => unknown }}
 */
function hasToJson(value) {
  if (typeof value === 'bigint' || value === null || value === undefined) return false;
  return typeof (/** @type {{ toJSON?: unknown }} */ (value).toJSON) === 'function';
}

/** @param {object} value */
function kindOf(value) {
  const { constructor } = value;
  return typeof constructor === 'function' ? constructor.name : 'object';
}

/** @param {string} name */
function placeOf(name) {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${stringify(name)}]`;
}
