import type { Runtime } from './exec-message.ts';
import { ForkServer, type ForkServerSettings } from './fork-server.ts';
import { SandboxError } from './sandbox.ts';

/** A runtime's fork server, another one where the last has died. */
export class LiveForkServer {
  readonly runtime: Runtime;
  readonly #settings: ForkServerSettings;
  #server: Promise<ForkServer> | undefined;
  #closed = false;

  constructor(runtime: Runtime, settings: ForkServerSettings) {
    this.runtime = runtime;
    this.#settings = settings;
  }

  /** So that the first handler does not wait for it. Where it fails, the next run tries again and tells. */
  startAhead(): void {
    this.#server = this.#start();
  }

  async get(): Promise<ForkServer> {
    if (this.#closed) throw new SandboxError('The sandbox has been closed');
    this.#server ??= this.#start();
    return this.#server;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = await this.#server?.catch(() => undefined);
    await server?.stop();
  }

  #start(): Promise<ForkServer> {
    const starting = ForkServer.start(this.runtime, this.#settings);
    const forget = () => {
      if (this.#server === starting) this.#server = undefined;
    };
    starting.then((server) => server.gone.then(forget), forget);
    return starting;
  }
}
