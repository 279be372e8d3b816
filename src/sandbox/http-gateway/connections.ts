import { Agent, type Dispatcher } from 'undici';
import { limits } from '../../domain/limits.ts';
import type { AddressCheck } from './address-check.ts';
import { createCheckedLookup, type ResolveName } from './checked-lookup.ts';
import type { AddressConditions } from './egress-policy.ts';

/** Longer than any handler runs: a request's own times end it earlier. */
const agentConnectMs = limits.attemptMs;
/** Sets of rules that name networks, whose connections are kept; those of the one longest unused are closed. */
const mostKept = 100;

/** Whatever the other side says: one that asks for ten minutes could take all of the worker's descriptors. */
const idleMs = 4_000;

const agentOptions: Agent.Options = {
  keepAliveTimeout: idleMs,
  keepAliveMaxTimeout: idleMs,
  // undici refuses a head as long as this.
  maxHeaderSize: limits.httpResponseHeadBytes + 1,
};

/**
 * Connections that are kept for the next request. One is used only by requests for which its address was checked:
 * those under the same conditions.
 */
export class Connections {
  readonly #resolve: ResolveName;
  readonly #mayReach: AddressCheck;
  readonly #agents = new Map<string, Agent>();
  /** To where the operator led them. */
  readonly led: Dispatcher = new Agent({ ...agentOptions, connect: { timeout: agentConnectMs } });

  constructor(resolve: ResolveName, mayReach: AddressCheck) {
    this.#resolve = resolve;
    this.#mayReach = mayReach;
  }

  /** `insecure`: any certificate is taken. */
  under(conditions: AddressConditions, insecure: boolean): Dispatcher {
    const key = `${insecure ? 'insecure' : 'secure'}\n${conditions.key}`;
    const agent = this.#agents.get(key) ?? this.#open(conditions, insecure);
    this.#agents.delete(key);
    this.#agents.set(key, agent); // now the last of those to be closed
    this.#closeUnused();
    return agent;
  }

  async close(): Promise<void> {
    await Promise.all([this.led, ...this.#agents.values()].map((agent) => agent.destroy()));
  }

  #open(conditions: AddressConditions, insecure: boolean): Agent {
    const lookup = createCheckedLookup(this.#resolve, this.#mayReach, conditions);
    return new Agent({
      ...agentOptions,
      connect: { lookup, timeout: agentConnectMs, rejectUnauthorized: !insecure },
    });
  }

  #closeUnused(): void {
    const [oldest] = this.#agents;
    if (this.#agents.size <= mostKept || oldest === undefined) return;
    const [key, agent] = oldest;
    this.#agents.delete(key);
    // Requests under way are answered first.
    void agent.close();
  }
}
