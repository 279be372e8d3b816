import { wallMsLeft } from './exec-message.ts';
import type { ForkedChild } from './fork-server.ts';
import type { LiveForkServer } from './live-fork-server.ts';
import type { SandboxLimits } from './sandbox.ts';
import { WaitingChildren } from './waiting-children.ts';

/** Processes of one runtime: some wait ahead from the first handler on. */
export class Children {
  readonly #servers: LiveForkServer;
  readonly #usual: SandboxLimits;
  readonly #log: (message: string) => void;
  #waiting: WaitingChildren | undefined;

  /** `usual`: the limits of most handlers, for which some wait; others get a process of their own. */
  constructor(servers: LiveForkServer, usual: SandboxLimits, log: (message: string) => void) {
    this.#servers = servers;
    this.#usual = usual;
    this.#log = log;
  }

  /** Before a run, so that the start of the fork server does not count as that of the handler. */
  async ready(): Promise<void> {
    await this.#servers.get();
  }

  /** One for a handler, whose time begins now; undefined once `unwanted()`. */
  async open(limits: SandboxLimits, unwanted: () => boolean): Promise<ForkedChild | undefined> {
    const server = await this.#servers.get();
    if (this.#waiting?.isOf(server) !== true) {
      this.#waiting = new WaitingChildren(server, this.#servers.runtime, this.#usual, this.#log);
    }
    const child = this.#waiting.take(limits);
    if (child === undefined) return await server.fork(limits, wallMsLeft(limits), unwanted);
    server.begin(child, wallMsLeft(limits));
    return child;
  }

  async close(): Promise<void> {
    this.#waiting?.close();
    await this.#servers.close();
  }
}
