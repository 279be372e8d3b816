// Predefined functions as the handler sees them: arguments by position, checked here, answered by the host.

import { NotJson, toJson } from './strict-json.js';

/** @import { ExecMessage, HelperDescription } from './deno.d.ts' */

/** @typedef {import('./host.js').Host} Host */
/** @typedef {import('./analytics-events.js').RegisteredEvents} RegisteredEvents */
/** @typedef {(...args: unknown[]) => Promise<unknown>} HelperFunction */

const list = 'list_predefined_functions';
const register = 'register_event';
const encoder = new TextEncoder();

/** A helper was refused or failed. `.code` is stable and meant for code, the message for people. */
export class HelperError extends Error {
  /**
   * @param {string} message
   * @param {string} [code]
   */
  constructor(message, code = 'error') {
    super(message);
    this.name = 'HelperError';
    this.code = code;
  }
}

/**
 * @param {Host} host
 * @param {ExecMessage} exec
 * @param {RegisteredEvents} events
 * @returns {Record<string, HelperFunction>}
 */
export function makeHelpers(host, { helpers, callBytes }, events) {
  const described = helpers.map(({ name, signature, summary }) => ({ name, signature, description: summary }));
  return Object.fromEntries(helpers.map((helper) => [helper.name, named(helper.name, functionOf(helper))]));

  /**
   * @param {HelperDescription} helper
   * @returns {HelperFunction}
   */
  function functionOf(helper) {
    if (helper.hostName === list) {
      return async (...args) => {
        argumentsOf(helper, args);
        return structuredClone(described);
      };
    }
    if (helper.hostName === register) {
      return async (...args) => {
        const { event } = argumentsOf(helper, args);
        if (typeof event !== 'object' || event === null || Array.isArray(event)) {
          throw refusal(helper, 'invalid_arguments', `event must be an object, not ${kindOf(event)}`);
        }
        // As it is now: an object that is filled anew for each event is common in loops.
        events.add({ ...event });
      };
    }
    return (...args) => call(helper, args);
  }

  /**
   * Async all the way down: so the stack of its error ends in the handler's own line.
   *
   * @param {HelperDescription} helper
   * @param {unknown[]} args
   */
  async function call(helper, args) {
    const members = `"name":"${helper.hostName}","args":${encoded(helper, argumentsOf(helper, args))}`;
    const end = host.begin();
    const { v, err } = await host.ask('call', members);
    end();
    if (err) throw new HelperError(err.message, err.code);
    return v;
  }

  /**
   * The given arguments by the host's names, as JSON; defaults are the host's business.
   *
   * @param {HelperDescription} helper
   * @param {Record<string, unknown>} given
   */
  function encoded(helper, given) {
    const names = new Map(helper.params.map(({ name, hostName }) => [hostName, name]));
    try {
      const members = Object.entries(given).map(
        ([name, value]) => `"${name}":${toJson(value, names.get(name) ?? name)}`,
      );
      const text = `{${members.join(',')}}`;
      const size = encoder.encode(text).length;
      if (size <= callBytes) return text;
      const message = `the arguments are ${size} bytes of JSON, more than the ${callBytes} allowed. Pass less.`;
      throw refusal(helper, 'limit_exceeded', message);
    } catch (error) {
      if (error instanceof NotJson) throw refusal(helper, 'invalid_arguments', error.message);
      throw error;
    }
  }
}

/**
 * @param {HelperDescription} helper
 * @param {unknown[]} args
 * @returns {Record<string, unknown>}
 */
function argumentsOf(helper, args) {
  const { params } = helper;
  const wrong = (/** @type {string} */ what) =>
    refusal(helper, 'invalid_arguments', `${what}; it is called as ${helper.signature}`);
  if (args.length > params.length) throw wrong(`${args.length} arguments were given, and it takes ${params.length}`);
  /** @type {Record<string, unknown>} */
  const given = {};
  params.forEach(({ name, hostName, optional }, index) => {
    const value = args[index];
    if (value !== undefined) given[hostName] = value;
    else if (!optional) throw wrong(`the argument ${name} is missing`);
  });
  return given;
}

/**
 * @param {HelperDescription} helper
 * @param {string} code
 * @param {string} message
 */
function refusal(helper, code, message) {
  return new HelperError(`${helper.name}(): ${message}`, code);
}

/** @param {unknown} value */
function kindOf(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

/**
 * @param {string} name
 * @param {HelperFunction} helper
 */
function named(name, helper) {
  return Object.defineProperty(helper, 'name', { value: name });
}
