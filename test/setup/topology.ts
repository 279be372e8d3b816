import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { Program } from './program.ts';

const adminKey = 'a-key-of-the-operator';
const organization = 'acme';

/** Requests by their body, each with the keys it came with: more than one key is more than one effect. */
export interface CountingReceiver {
  readonly url: string;
  readonly keysOf: ReadonlyMap<string, ReadonlySet<string>>;
  requests(): number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<CountingReceiver> {
  const keysOf = new Map<string, Set<string>>();
  let requests = 0;
  const take = async (request: IncomingMessage) => {
    const body = await text(request);
    requests += 1;
    const keys = keysOf.get(body) ?? new Set();
    keysOf.set(body, keys.add(String(request.headers['idempotency-key'])));
  };
  const server = createServer((request, response) => {
    take(request).then(
      () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"taken": true}'),
      () => response.destroy(), // its worker was killed
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    keysOf,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Two effects by helpers, of which the second can be counted in the store, and one at the receiver. */
export const threeEffects = (receiverUrl: string) => `
import requests, time

def handle_event(context):
    add_conversation_tag(context, "seen")
    answer = requests.post("${receiverUrl}", json=context["args"]["event_id"], timeout=10)
    answer.raise_for_status()
    time.sleep(0.3)
    add_conversation_event(context, "done")
    return answer.json()
`;

export interface TopologyOptions {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly workers: number;
  /** A free one, of the API. */
  readonly port: number;
}

const Counted = z.array(z.object({ status: z.string(), count: z.coerce.number() }));
const DoneTwice = z.object({ conversation_id: z.string(), count: z.coerce.number() });

/** One server and workers, processes as an operator runs them, on a store and a Temporal of others. */
export class Topology {
  server: Program;
  readonly workers: Program[];
  readonly #environment: Record<string, string>;
  readonly #databaseUrl: string;
  readonly #url: string;

  async ready(): Promise<void> {
    await this.until('the server listens', () => this.server.said('The API is listening'));
    await this.until('the workers work', () => this.workers.every((worker) => worker.said('worker started')));
  }

  constructor({ databaseUrl, temporalAddress, workers, port }: TopologyOptions) {
    this.#databaseUrl = databaseUrl;
    this.#url = `http://127.0.0.1:${String(port)}/api/v1`;
    this.#environment = {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      AFTERWORD_ADMIN_KEY: adminKey,
      AFTERWORD_ORGANIZATION: organization,
      AFTERWORD_PORT: String(port),
      AFTERWORD_HTTP_OPEN_NETWORKS: '127.0.0.1',
    };
    this.server = this.#program('server');
    this.workers = Array.from({ length: workers }, () => this.#program('worker'));
  }

  /** SIGKILL; resolves when the next one works. */
  async replaceWorker(index: number): Promise<void> {
    await this.workers[index]?.kill();
    this.workers[index] = this.#program('worker');
    await this.ready();
  }

  async replaceServer(): Promise<void> {
    await this.server.kill();
    this.server = this.#program('server');
    await this.ready();
  }

  async push(name: string, code: string): Promise<void> {
    const answer = await this.#ask('PUT', `/handlers/${name}`, { name, eventType: 'conversation_closed', code });
    if (!answer.ok) throw new Error(`the handler was not taken: ${await answer.text()}`);
  }

  /** As a publisher does: the same event again until it is taken. */
  async publish(id: string): Promise<void> {
    // Made once: the same event again is of the same conversation.
    const conversation = { id: randomUUID(), publicId: id, subject: 'a closing', businessSlug: 'shop' };
    await this.until(`event ${id} is taken`, async () => {
      try {
        const answer = await this.#ask('POST', '/conversation-events', {
          id,
          type: 'conversation_closed',
          conversation,
        });
        if (answer.status === 202) return true;
        if (answer.status < 500) throw new Error(`event ${id} was refused: ${await answer.text()}`);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // of fetch: the server is away
      }
      return false;
    });
  }

  async allHaveEnded(events: number): Promise<boolean> {
    const rows = await this.#query(
      `select status, count(*) as count from executions where finished_at is not null group by status`,
    );
    return Counted.parse(rows).reduce((sum, { count }) => sum + count, 0) === events;
  }

  /** `succeeded: 50` */
  async statuses(): Promise<readonly string[]> {
    const rows = await this.#query('select status, count(*) as count from executions group by status');
    return Counted.parse(rows).map(({ status, count }) => `${status}: ${String(count)}`);
  }

  /** Conversations whose handler did not make its effect exactly once. */
  async notDoneOnce(): Promise<readonly string[]> {
    const rows = await this.#query(
      `select conversations.id as conversation_id, count(timeline_events.id) as count from conversations
       left join timeline_events on timeline_events.conversation_id::text = conversations.id::text
       group by conversations.id having count(timeline_events.id) <> 1`,
    );
    return z
      .array(DoneTwice)
      .parse(rows)
      .map((row) => `${row.conversation_id}: ${String(row.count)}`);
  }

  async stop(): Promise<void> {
    await Promise.all([this.server, ...this.workers].map((program) => program.kill()));
  }

  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 60_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
      await sleep(100);
    }
  }

  #program(name: 'server' | 'worker'): Program {
    return new Program(name, this.#environment);
  }

  #ask(method: string, path: string, body: object): Promise<Response> {
    const headers = { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' };
    return fetch(`${this.#url}${path}`, { method, headers, body: JSON.stringify(body) });
  }

  async #query(statement: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: this.#databaseUrl });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }
}
