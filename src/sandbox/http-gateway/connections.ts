import type { LookupAddress } from 'node:dns';
import { Socket, type LookupFunction } from 'node:net';
import { Agent, buildConnector, Pool } from 'undici';
import { limits } from '../../domain/limits.ts';
import type { AddressCheck } from './address-check.ts';
import { createCheckedLookup, type ResolveName } from './checked-lookup.ts';
import { noConditions, type AddressConditions } from './egress-policy.ts';
import { LookupQueue, type Asker } from './lookup-queue.ts';
import type { ResponseCollector } from './response-collector.ts';

/** Longer than any handler runs: a request's own times end it earlier. */
const connectMs = limits.attemptMs;
/** Sets of rules that name networks, whose connections are kept; those of the one longest unused are closed. */
const mostKept = 100;
/** Whatever the other side says: one that asks for ten minutes could take all of the worker's descriptors. */
const idleMs = 4_000;

const options: Pool.Options = {
  keepAliveTimeout: idleMs,
  keepAliveMaxTimeout: idleMs,
  // undici refuses a head as long as this.
  maxHeaderSize: limits.httpResponseHeadBytes + 1,
};

/** A connection that is made anew for a request that waited. */
const nobody: Asker = { organization: '', isWaiting: true };

/** Which connections carry a request. */
export interface Way {
  /** What the addresses at their end satisfy; null: the operator chose the address. */
  readonly conditions: AddressConditions | null;
  /** Any certificate is taken. */
  readonly insecure: boolean;
}

/**
 * Connections that are kept for the next request. One is used only by requests for which its address was checked:
 * those under the same conditions.
 */
export class Connections {
  readonly #lookups: LookupQueue;
  readonly #mayReach: AddressCheck;
  readonly #agents = new Map<string, Agent>();
  /** What is being dispatched, and would like to know of the connection that is made for it. */
  #dispatching: ResponseCollector | undefined;

  constructor(resolve: ResolveName, mayReach: AddressCheck) {
    this.#lookups = new LookupQueue(resolve);
    this.#mayReach = mayReach;
  }

  /** Throws where the request is not HTTP. */
  dispatch(way: Way, request: Agent.DispatchOptions, collector: ResponseCollector): void {
    this.#dispatching = collector;
    try {
      this.#agentOf(way).dispatch(request, collector);
    } finally {
      this.#dispatching = undefined;
    }
  }

  /** The address of a name, for whoever connects by himself. Rejects as a request's lookup does. */
  locate(hostname: string, asker: Asker): Promise<LookupAddress> {
    const resolve: ResolveName = (name, callback) => {
      this.#lookups.ask({ hostname: name, callback, asker });
    };
    const lookup = createCheckedLookup(resolve, this.#mayReach, noConditions);
    return new Promise((found, failed) => {
      lookup(hostname, { all: true }, (error, addresses) => {
        const [first] = typeof addresses === 'string' ? [] : addresses;
        if (error === null && first !== undefined) found(first);
        else failed(error ?? new Error(`${hostname} has no address`));
      });
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
  }

  #agentOf(way: Way): Agent {
    const { conditions, insecure } = way;
    const key = `${insecure ? 'insecure' : 'secure'} ${conditions === null ? 'led' : conditions.key}`;
    const agent = this.#agents.get(key) ?? this.#open(way);
    this.#agents.delete(key);
    this.#agents.set(key, agent); // now the last of those to be closed
    this.#closeUnused();
    return agent;
  }

  #open({ conditions, insecure }: Way): Agent {
    // Asked for while the request is dispatched, so that it is known whose it is.
    const resolve: ResolveName = (hostname, callback) => {
      this.#lookups.ask({ hostname, callback, asker: this.#dispatching ?? nobody });
    };
    const checked = conditions && createCheckedLookup(resolve, this.#mayReach, conditions);
    return new Agent({
      factory: (origin) => new Pool(origin, { ...options, connect: this.#connector(checked, insecure) }),
    });
  }

  /** Of one origin: TLS sessions are no other's. */
  #connector(lookup: LookupFunction | null, insecure: boolean): buildConnector.connector {
    const checks = { ...(lookup === null ? {} : { lookup }), rejectUnauthorized: !insecure };
    // It answers the socket, whatever the types say.
    const connect: (...of: Parameters<buildConnector.connector>) => unknown = buildConnector({
      ...checks,
      timeout: connectMs,
    });
    return (target, callback) => {
      const socket = connect(target, callback);
      if (socket instanceof Socket) this.#dispatching?.connecting(socket);
    };
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
