import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from './program.ts';

/** Of a server, on two cores that others keep busy. */
const startMs = 60_000;
/** That start while one serves: a start takes seconds, most of them on the processor. */
const startAhead = 2;

export interface ServingServer {
  readonly url: string;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Servers of one store, each on a port of its own; they are had one after the other, and the next ones start meanwhile. */
export class ServersInTurn {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #programs: Program[] = [];
  #notStarted: number;
  #next = 0;

  constructor(environment: Readonly<Record<string, string>>, count: number) {
    this.#environment = { ...environment, AFTERWORD_PORT: '0' };
    this.#notStarted = count;
    for (let started = 0; started < startAhead; started += 1) this.#start();
  }

  /** The next one, when it listens. */
  async next(): Promise<ServingServer> {
    const program = this.#programs[this.#next];
    if (program === undefined) throw new Error('there are no more servers');
    this.#next += 1;
    const url = await urlOf(program);
    this.#start();
    return { url, kill: () => program.kill() };
  }

  async stop(): Promise<void> {
    this.#notStarted = 0;
    await Promise.all(this.#programs.map((program) => program.kill()));
  }

  #start(): void {
    if (this.#notStarted === 0) return;
    this.#notStarted -= 1;
    this.#programs.push(new Program('server', this.#environment));
  }
}

/** When it listens. */
export async function urlOf(server: Program): Promise<string> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const url = server.lines.find(({ msg }) => msg === 'The API is listening')?.url;
    if (url !== undefined) return url;
    if (!server.running || Date.now() > deadline) {
      throw new Error(`the server does not listen: ${JSON.stringify(server.lines.at(-1))}`);
    }
    await sleep(5);
  }
}
