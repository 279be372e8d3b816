import { setTimeout as sleep } from 'node:timers/promises';
import { v5 } from 'uuid';
import type { HandlerWithEffects } from './handlers-with-effects.ts';
import { processTree, type ProcessIdentity } from './process-tree.ts';
import { Program } from './program.ts';
import { TopologyRecord } from './topology-record.ts';

const adminKey = 'a-key-of-the-operator';
const organization = 'acme';
/** Of a program, on two cores that others keep busy: seconds. */
const startMs = 120_000;

export interface TopologyOptions {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly workers: number;
  /** A free one, of the API. */
  readonly port: number;
}

/** One server and workers, processes as an operator runs them, on a store and a Temporal of others. */
export class Topology {
  server: Program;
  readonly workers: Program[];
  readonly record: TopologyRecord;
  /** Programs that were gone before they were told to. */
  readonly endedByThemselves: string[] = [];
  readonly #environment: Record<string, string>;
  readonly #url: string;

  constructor({ databaseUrl, temporalAddress, workers, port }: TopologyOptions) {
    this.record = new TopologyRecord(databaseUrl);
    this.#url = `http://127.0.0.1:${String(port)}/api/v1`;
    this.#environment = {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      AFTERWORD_ADMIN_KEY: adminKey,
      AFTERWORD_ORGANIZATION: organization,
      AFTERWORD_PORT: String(port),
      AFTERWORD_EGRESS_PRIVATE: '127.0.0.1',
    };
    this.server = this.#program('server');
    this.workers = Array.from({ length: workers }, () => this.#program('worker'));
  }

  async ready(): Promise<void> {
    await until('the server listens', () => this.server.said('The API is listening'), startMs);
    await until('the workers work', () => this.workers.every((worker) => worker.said('worker started')), startMs);
  }

  /** SIGKILL; resolves when the next one works. */
  async replaceWorker(index: number): Promise<void> {
    await this.#end(this.#worker(index), 'worker');
    this.workers[index] = this.#program('worker');
    await this.ready();
  }

  async replaceServer(): Promise<void> {
    await this.#end(this.server, 'server');
    this.server = this.#program('server');
    await this.ready();
  }

  /** SIGKILL of those of both languages; resolves when the worker has another one. */
  async killForkServers(index: number): Promise<void> {
    const worker = this.#worker(index);
    const old = forkServersOf(worker);
    old.forEach(kill);
    const another = () => forkServersOf(worker).some(({ pid }) => !old.some((gone) => gone.pid === pid));
    await until('the worker has a fork server again', () => !worker.running || another(), startMs);
  }

  async push({ name, language, code }: HandlerWithEffects): Promise<void> {
    const body = { name, language, eventType: 'conversation_closed', code };
    const answer = await this.#ask('PUT', `/handlers/${name}`, body);
    if (!answer.ok) throw new Error(`the handler was not taken: ${await answer.text()}`);
  }

  /** As a publisher does: the same event again until it is taken. */
  async publish(id: string): Promise<void> {
    // The same event again is of the same conversation.
    const conversation = { id: v5(id, v5.URL), publicId: id, subject: 'a closing', businessSlug: 'shop' };
    const event = { id, type: 'conversation_closed', conversation };
    const taken = async () => {
      try {
        const answer = await this.#ask('POST', '/conversation-events', event);
        if (answer.status === 202) return true;
        if (answer.status < 500) throw new Error(`event ${id} was refused: ${await answer.text()}`);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // of fetch: the server is away
      }
      return false;
    };
    await until(`event ${id} is taken`, taken, startMs);
  }

  /** Until so many executions have ended; says how far it came where it takes longer. */
  async allEnd(executions: number, withinMs: number): Promise<void> {
    const haveEnded = async () => (await this.record.ended()) === executions;
    try {
      await until('every execution has ended', haveEnded, withinMs);
    } catch (error) {
      const running = [this.server, ...this.workers].map((program) => program.running);
      const state = { statuses: await this.record.statuses(), attempts: await this.record.outcomes(), running };
      throw new Error(`of ${String(executions)} executions some have not ended: ${JSON.stringify(state)}`, {
        cause: error,
      });
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.server, ...this.workers].map((program) => program.kill()));
  }

  #worker(index: number): Program {
    const worker = this.workers[index];
    if (worker === undefined) throw new Error(`there is no worker ${String(index)}`);
    return worker;
  }

  async #end(program: Program, name: string): Promise<void> {
    if (!program.running) this.endedByThemselves.push(`${name}: ${JSON.stringify(program.lines.at(-1))}`);
    await program.kill();
  }

  #program(name: 'server' | 'worker'): Program {
    return new Program(name, this.#environment);
  }

  #ask(method: string, path: string, body: object): Promise<Response> {
    const headers = { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' };
    return fetch(`${this.#url}${path}`, { method, headers, body: JSON.stringify(body) });
  }
}

/** A worker's children: its fork servers, which start everything else. */
function forkServersOf(worker: Program): ProcessIdentity[] {
  return processTree(worker.pid).filter(({ parent, state }) => parent === worker.pid && state !== 'Z');
}

function kill({ pid }: ProcessIdentity): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended with its worker.
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(100);
  }
}
