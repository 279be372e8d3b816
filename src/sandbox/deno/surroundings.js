// What stands around the handler: a console that leads to its log, random numbers from the execution's seed, and words
// about what is not there. The wall is the cage, not this.

/** @import { ConsoleConstructor } from './deno.d.ts' */

/** @typedef {import('./channel.js').Channel} Channel */

const chunkCharacters = 8_192;
const warningLevel = 2;
const advice =
  'Handlers have no files, no environment, no processes and no network of their own; use context, helpers and fetch.';
const missing = [
  'Deno',
  'process',
  'Worker',
  'WebSocket',
  'EventSource',
  'BroadcastChannel',
  'localStorage',
  'sessionStorage',
  'caches',
  'createImageBitmap',
  'alert',
  'confirm',
  'prompt',
];

/**
 * `console`, whose lines go to stdout and, from warn up, to stderr: each at once, so that a kill loses nothing.
 *
 * @param {ConsoleConstructor} Console
 * @param {Channel} channel
 */
export function installConsole(Console, channel) {
  const log = new Console((text, level) => {
    const stream = level < warningLevel ? 'stdout' : 'stderr';
    for (let from = 0; from < text.length;) {
      const to = wholeUntil(text, from + chunkCharacters);
      channel.send({ t: 'log', s: stream, d: text.slice(from, to) });
      from = to;
    }
  });
  define('console', log);
}

/**
 * Not into the middle of a surrogate pair.
 *
 * @param {string} text
 * @param {number} end
 */
function wholeUntil(text, end) {
  const last = text.charCodeAt(end - 1);
  return end < text.length && last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}

/** @param {(code: unknown, how: string) => never} leave */
export function installAbsences(leave) {
  for (const name of missing) {
    const exit = (/** @type {unknown} */ code) => leave(code, `${name}.exit`);
    define(name, absent(name, name === 'Deno' || name === 'process' ? { exit } : {}));
  }
  define('close', () => leave(undefined, 'close'));
}

/**
 * `typeof` and passing it around are harmless; whatever is done with it says that it is not there.
 *
 * @param {string} name
 * @param {Record<string, unknown>} present
 */
function absent(name, present) {
  const refuse = () => {
    throw new Error(`${name} is not available in handlers. ${advice}`);
  };
  return new Proxy(function () {}, {
    get: (_, key) =>
      typeof key === 'string' && key in present ? present[key] : typeof key === 'symbol' ? undefined : refuse(),
    set: refuse,
    has: refuse,
    apply: refuse,
    construct: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    ownKeys: refuse,
  });
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function define(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

/**
 * `Math.random` from a text: the same for every attempt of an execution, so that a retry takes the same path. (xmur3
 * makes four numbers of the text, sfc32 goes on from them.)
 *
 * @param {string} seed
 */
export function seedRandom(seed) {
  let hash = 1_779_033_703 ^ seed.length;
  for (let index = 0; index < seed.length; index += 1) {
    hash = Math.imul(hash ^ seed.charCodeAt(index), 3_432_918_353);
    hash = (hash << 13) | (hash >>> 19);
  }
  const next = () => {
    hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
    hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909);
    return (hash ^= hash >>> 16);
  };
  let [a, b, c, d] = [next(), next(), next(), next()];
  Math.random = () => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
}
