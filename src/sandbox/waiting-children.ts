import { AsyncLocalStorage } from 'node:async_hooks';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Runtime } from './exec-message.ts';
import type { ForkedChild, ForkServer } from './fork-server.ts';
import type { SandboxLimits } from './sandbox.ts';

/** A Deno takes some 30 MB, 9 of them its own, and hides the 20 ms of its start; a fork of Python 2 MB and 5 ms. */
const mostIdle = 1 + availableParallelism();
/** The handlers of an event come together: what starts in the place of one would take the CPU from the others. */
const pauseBeforeStartMs = 200;
const pauseAfterDeathMs = 1_000;
/**
 * A socket keeps the async context that it was made in, which is an activity's: made in that of an earlier handler, each
 * kept the one before it, with all of its calls, and a worker grew by 150 KB an event.
 */
const outsideOfHandlers = AsyncLocalStorage.snapshot();

/** Processes of one fork server that wait in the cage for their one handler. */
export class WaitingChildren {
  readonly #server: ForkServer;
  readonly #runtime: Runtime;
  readonly #limits: SandboxLimits;
  readonly #log: (message: string) => void;
  readonly #idle = new Set<ForkedChild>();
  #starting = 0;
  #startsSoon: NodeJS.Timeout | undefined;
  #closed = false;

  /** `limits`: CPU time and memory of the handlers they are for. */
  constructor(server: ForkServer, runtime: Runtime, limits: SandboxLimits, log: (message: string) => void) {
    this.#server = server;
    this.#runtime = runtime;
    this.#limits = limits;
    this.#log = log;
    outsideOfHandlers(() => {
      void server.gone.then(() => {
        this.close();
      });
    });
  }

  isOf(server: ForkServer): boolean {
    return this.#server === server && !this.#closed;
  }

  /** One that lives, and another is soon started in its place; undefined where none is there or limits are others. */
  take(limits: SandboxLimits): ForkedChild | undefined {
    this.#startsSoon ??= outsideOfHandlers(() =>
      setTimeout(() => {
        this.#startsSoon = undefined;
        this.#fill();
      }, pauseBeforeStartMs).unref(),
    );
    if (limits.cpuSeconds !== this.#limits.cpuSeconds || limits.memoryBytes !== this.#limits.memoryBytes) {
      return undefined;
    }
    const child = [...this.#idle].find(({ socket }) => !socket.destroyed);
    if (child === undefined) return undefined;
    this.#idle.delete(child);
    return child;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#startsSoon);
    for (const { socket } of this.#idle) socket.destroy();
    this.#idle.clear();
  }

  #fill(): void {
    while (!this.#closed && this.#idle.size + this.#starting < mostIdle) {
      this.#starting += 1;
      void outsideOfHandlers(() => this.#add());
    }
  }

  async #add(): Promise<void> {
    try {
      const child = await this.#server.fork(this.#limits, 0, () => this.#closed);
      if (child === undefined) return;
      child.socket.uncork();
      this.#idle.add(child);
      child.exited.then(
        () => this.#died(child),
        () => undefined, // with the fork server
      );
    } catch (error) {
      this.#log(
        `No ${this.#runtime} could be started ahead: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      this.#starting -= 1;
    }
  }

  /** Also those that were taken end here; only one that nobody took is worth a word. */
  async #died(child: ForkedChild): Promise<void> {
    if (!this.#idle.delete(child) || this.#closed) return;
    child.socket.destroy();
    this.#log(`A ${this.#runtime} that waited for its handler has died; another takes its place.`);
    await pause(pauseAfterDeathMs, undefined, { ref: false });
    this.#fill();
  }
}
