// How a run ended badly, in words for the handler's author, and stack traces with the user's own frames only.

/** @import { CallSite } from './deno.d.ts' */

export const handlerFile = 'handler.ts';
const mostCharacters = 4_000;
const mostStackCharacters = 16_000;
const mostLinked = 5;
const outOfMemory =
  /^(Array buffer allocation failed|Invalid string length|WebAssembly\.Memory.*(Unable to grow|could not allocate).*)$/i;

/** A rule of ours was broken; not an error of the user's code. */
export class Refusal extends Error {
  /**
   * @param {string} reason
   * @param {string} type
   * @param {string} message
   */
  constructor(reason, type, message) {
    super(message);
    this.reason = reason;
    this.type = type;
  }
}

/**
 * `error.stack` shows the handler's lines as its author wrote them, whoever looks at it.
 *
 * @param {number} linesBefore lines of the evaluated text before the handler's first
 */
export function showUserFrames(linesBefore) {
  Error.stackTraceLimit = 50;
  Error.prepareStackTrace = (error, sites) => {
    const frames = /** @type {CallSite[]} */ (/** @type {unknown} */ (sites))
      .filter((site) => site.getScriptNameOrSourceURL() === handlerFile)
      .map((site) => `\n    at ${frameOf(site, linesBefore)}`);
    return `${headOf(error)}${frames.join('')}`;
  };
}

/**
 * @param {CallSite} site
 * @param {number} linesBefore
 */
function frameOf(site, linesBefore) {
  const place = `${handlerFile}:${(site.getLineNumber() ?? 0) - linesBefore}:${site.getColumnNumber() ?? 0}`;
  const name = site.getFunctionName();
  if (!name) return place;
  return `${site.isAsync() ? 'async ' : ''}${site.isConstructor() ? 'new ' : ''}${name} (${place})`;
}

/** @param {unknown} error */
function headOf(error) {
  try {
    return String(error);
  } catch {
    return 'Error';
  }
}

/** @param {unknown} error whatever was thrown */
export function describeFailure(error) {
  if (error instanceof Refusal) return failure(error.reason, error.type, error.message, '');
  if (isOutOfMemory(error)) {
    // The host says how much it may have.
    return failure('out_of_memory', 'MemoryError', '', stackOf(error));
  }
  if (error instanceof Error) return failure('raised', nameOf(error), textOf(error), stackOf(error));
  const shown = shownValue(error);
  return failure('raised', 'Thrown', shown, `Uncaught ${shown}`);
}

/** @param {unknown} error from the evaluation of the handler's text */
export function syntaxError(error) {
  return failure('syntax_error', 'SyntaxError', error instanceof Error ? error.message : String(error), '');
}

/** @param {unknown} error */
function isOutOfMemory(error) {
  return error instanceof RangeError && outOfMemory.test(error.message);
}

/**
 * @param {string} reason
 * @param {string} type
 * @param {string} message
 * @param {string} traceback
 */
function failure(reason, type, message, traceback) {
  return {
    t: 'done',
    ok: false,
    reason,
    type: type.slice(0, 200),
    message: message.slice(0, mostCharacters).toWellFormed(),
    traceback: traceback === '' ? '' : `${shortened(traceback)}\n`,
  };
}

/** @param {Error} error */
function nameOf(error) {
  try {
    return String(error.name || error.constructor.name);
  } catch {
    return 'Error';
  }
}

/** @param {Error} error */
function textOf(error) {
  try {
    return String(error.message);
  } catch {
    return `<${nameOf(error)} whose text cannot be had>`;
  }
}

/** @param {unknown} value */
function shownValue(value) {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return `a value of type ${typeof value}`;
  }
}

/**
 * With what caused it, and the errors it stands for.
 *
 * @param {unknown} error
 * @param {number} [linked]
 * @returns {string}
 */
function stackOf(error, linked = 0) {
  try {
    if (!(error instanceof Error)) return shownValue(error);
    const parts = [typeof error.stack === 'string' ? error.stack : headOf(error)];
    if (linked < mostLinked) {
      const several = error instanceof AggregateError ? error.errors.slice(0, mostLinked) : [];
      const causes = error.cause === undefined ? several : [error.cause, ...several];
      for (const cause of causes) parts.push(`Caused by: ${stackOf(cause, linked + 1)}`);
    }
    return parts.join('\n');
  } catch {
    return '';
  }
}

/** @param {string} text */
function shortened(text) {
  const clean = text.toWellFormed();
  if (clean.length <= mostStackCharacters) return clean;
  const half = mostStackCharacters / 2;
  return `${clean.slice(0, half)}\n  [… ${clean.length - 2 * half} characters left out …]\n${clean.slice(-half)}`;
}
