import { limits as domainLimits } from '../domain/limits.ts';
import { DenoPool } from './deno-pool.ts';
import { denoExecMessage, wallMsLeft } from './exec-message.ts';
import type { ForkedChild, ForkServer } from './fork-server.ts';
import { HandlerRun } from './handler-run.ts';
import type { LiveForkServer } from './live-fork-server.ts';
import type { SandboxHost, SandboxLimits, SandboxProgram, SandboxResult } from './sandbox.ts';
import type { FaultyHandler } from './typescript/prepare-handler.ts';
import { PreparedHandlers } from './typescript/prepared-handlers.ts';

/** Runs handlers in one-shot Denos. Nothing of it is started before the first handler comes. */
export class TypeScriptHandlers {
  readonly #servers: LiveForkServer;
  readonly #log: (message: string) => void;
  readonly #prepared = new PreparedHandlers();
  #pool: DenoPool | undefined;

  constructor(servers: LiveForkServer, log: (message: string) => void) {
    this.#servers = servers;
    this.#log = log;
  }

  async run(given: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult> {
    const from = performance.now();
    const handler = await this.#prepared.prepare(given.code);
    const spentMs = (given.limits.spentMs ?? 0) + performance.now() - from;
    if (signal?.aborted) return { outcome: 'aborted', runMs: 0 };
    if (handler.outcome === 'faulty') return refuseFaulty(handler, host);
    const program = { ...given, limits: { ...given.limits, spentMs } };
    const server = await this.#servers.get();
    const { callsInFlight } = program;
    const { requestsInFlight } = domainLimits;
    return new HandlerRun(program, host, {
      open: (unwanted) => this.#open(server, program.limits, unwanted),
      execMessage: (contextBytes) => denoExecMessage(program, handler, contextBytes),
      inFlight: { calls: callsInFlight, requests: requestsInFlight, together: callsInFlight + requestsInFlight },
    }).run(signal);
  }

  async close(): Promise<void> {
    this.#pool?.close();
    await this.#prepared.close();
  }

  async #open(server: ForkServer, limits: SandboxLimits, unwanted: () => boolean): Promise<ForkedChild | undefined> {
    if (this.#pool?.isFor(server) !== true) this.#pool = new DenoPool(server, limits, this.#log);
    const child = this.#pool.take(limits);
    if (child === undefined) return await server.fork('deno', limits, wallMsLeft(limits), unwanted);
    server.begin(child, wallMsLeft(limits));
    return child;
  }
}

function refuseFaulty({ reason, type, message, traceback }: FaultyHandler, host: SandboxHost): SandboxResult {
  host.log('stderr', traceback === '' ? `${type}: ${message}\n` : traceback);
  return { outcome: 'failed', reason, error: { type, message, traceback }, events: [], runMs: 0 };
}
