// Analytics events of one run: collected, and encoded for its end.

import { Refusal } from './failure.js';
import { NotJson, toJson } from './strict-json.js';

/** @import { ExecMessage } from './deno.d.ts' */

const mostFaultCharacters = 500;
const mostShownCharacters = 1_000;
const encoder = new TextEncoder();

export class RegisteredEvents {
  /** @type {Record<string, unknown>[]} */
  #events = [];
  #most;
  #mostBytes;

  /** @param {ExecMessage} limits */
  constructor({ events, eventBytes }) {
    this.#most = events;
    this.#mostBytes = eventBytes;
  }

  /** @param {Record<string, unknown>} event */
  add(event) {
    this.#events.push(event);
  }

  /** JSON for the `done` line, within the limits or refused. */
  ofSuccess() {
    const { fitting, size, count } = this.#encoded();
    if (count > this.#most) {
      const message = `The handler registered ${count} analytics events, more than the ${this.#most} allowed.`;
      throw new Refusal('limit_exceeded', 'TooManyEvents', `${message} Register fewer.`);
    }
    if (fitting.length < count) {
      const message = `The analytics events are ${size} bytes of JSON, more than the ${this.#mostBytes} allowed.`;
      throw new Refusal('limit_exceeded', 'EventsTooLarge', `${message} Put less into them.`);
    }
    return `[${fitting.join(',')}]`;
  }

  /** The same for a run that failed: as many as fit, and never a failure of its own. */
  ofFailure() {
    try {
      return `[${this.#encoded().fitting.join(',')}]`;
    } catch {
      return '[]';
    }
  }

  #encoded() {
    let size = 1;
    /** @type {string[]} */
    const fitting = [];
    for (const { event, fault } of this.#events.map(encoded)) {
      size += encoder.encode(event).length + (fault === 'null' ? 0 : encoder.encode(fault).length) + 1;
      if (size <= this.#mostBytes && fitting.length < this.#most) fitting.push(`{"e":${event},"x":${fault}}`);
    }
    return { fitting, size, count: this.#events.length };
  }
}

/**
 * JSON of the event; where it is not JSON, of what can be kept of it, with the fault.
 *
 * @param {Record<string, unknown>} event
 */
function encoded(event) {
  try {
    return { event: toJson(event, 'event'), fault: 'null' };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const kept = Object.fromEntries(Object.entries(event).map(([key, value]) => [key, keptOf(value)]));
    return { event: toJson(kept, 'event'), fault: toJson(error.message.slice(0, mostFaultCharacters), 'fault') };
  }
}

/** @param {unknown} value */
function keptOf(value) {
  try {
    toJson(value, 'value');
    return value;
  } catch {
    return Object.prototype.toString.call(value).slice(0, mostShownCharacters);
  }
}
