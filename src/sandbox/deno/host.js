// What a handler asks of the host, several at once: in the order in which the code asked, no more under way than allowed.

/** @import { ExecMessage, HostReply } from './deno.d.ts' */

/** @typedef {import('./channel.js').Channel} Channel */
/** @typedef {{ line: (id: number) => string, resolve: (reply: HostReply) => void, isUnwanted: () => boolean }} Question */

class Lane {
  /** @type {Question[]} */
  waiting = [];
  underWay = 0;

  /** @param {number} most */
  constructor(most) {
    this.most = most;
  }
}

/**
 * Deno tells of rejections that nobody handles between turns of its event loop, in their order: so one of ours, which comes
 * last, comes back when all before it have been told of. Neither a timer (loading those costs 12 ms of CPU) nor an operation
 * that may be done at once can stand for a turn.
 *
 * @type {Map<unknown, () => void>}
 */
const ownRejections = new Map();

/** @returns {Promise<void>} */
function untilRejectionsAreTold() {
  return new Promise((resolve) => {
    const reason = Symbol();
    ownRejections.set(reason, resolve);
    void Promise.reject(reason);
  });
}

/**
 * @param {{ readonly reason?: unknown, preventDefault(): void, stopImmediatePropagation(): void }} event
 * @returns {boolean} whether it was ours; then nobody else hears of it
 */
export function isOwnRejection(event) {
  const told = ownRejections.get(event.reason);
  if (!told) return false;
  ownRejections.delete(event.reason);
  event.preventDefault();
  event.stopImmediatePropagation();
  told();
  return true;
}

export class Host {
  #channel;
  #lanes;
  #asked = 0;
  /** @type {Map<number, { lane: Lane, resolve: (reply: HostReply) => void }>} */
  #unanswered = new Map();
  #open = 0;
  #idle = () => {};

  /**
   * @param {Channel} channel
   * @param {ExecMessage} limits
   */
  constructor(channel, { callsInFlight, requestsInFlight }) {
    this.#channel = channel;
    this.#lanes = { call: new Lane(callsInFlight), fetch: new Lane(requestsInFlight) };
  }

  /**
   * @param {'call' | 'fetch'} kind
   * @param {string} members JSON text, already checked: what stands inside the message's braces
   * @param {() => boolean} [isUnwanted] asked before it is sent; then it never is
   * @returns {Promise<HostReply>}
   */
  ask(kind, members, isUnwanted = () => false) {
    const lane = this.#lanes[kind];
    return new Promise((resolve) => {
      lane.waiting.push({ line: (id) => `{"t":"${kind}","id":${id},${members}}`, resolve, isUnwanted });
      this.#send(lane);
    });
  }

  /**
   * Something of the user's begins that is to end before the run does; whoever began it calls what this answers. Not
   * its promise is watched: with a second reaction V8 would lose the stack of its errors.
   */
  begin() {
    this.#open += 1;
    return () => {
      this.#open -= 1;
      if (this.#open === 0) this.#idle();
    };
  }

  /** Ends when everything that was asked, and what followed from the answers, is answered. */
  async finish() {
    await untilRejectionsAreTold();
    while (this.#open > 0) {
      await new Promise((resolve) => {
        this.#idle = () => resolve(undefined);
      });
      await untilRejectionsAreTold();
    }
  }

  /** Hands out answers for as long as the connection lasts. */
  async listen() {
    for (;;) {
      /** @type {HostReply} */
      const reply = await this.#channel.readMessage();
      const asked = this.#unanswered.get(reply.id);
      if (!asked) continue;
      this.#unanswered.delete(reply.id);
      asked.lane.underWay -= 1;
      asked.resolve(reply);
      this.#send(asked.lane);
    }
  }

  /** @param {Lane} lane */
  #send(lane) {
    while (lane.underWay < lane.most) {
      const next = lane.waiting.shift();
      if (!next) return;
      if (next.isUnwanted()) continue;
      this.#asked += 1;
      lane.underWay += 1;
      this.#unanswered.set(this.#asked, { lane, resolve: next.resolve });
      this.#channel.sendLine(next.line(this.#asked));
    }
  }
}
