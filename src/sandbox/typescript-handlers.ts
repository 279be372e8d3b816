import type { Children } from './children.ts';
import { denoExecMessage, requestsInFlightOf } from './exec-message.ts';
import { HandlerRun } from './handler-run.ts';
import type { SandboxHost, SandboxProgram, SandboxResult } from './sandbox.ts';
import type { FaultyHandler } from './typescript/prepare-handler.ts';
import { PreparedHandlers } from './typescript/prepared-handlers.ts';

/** Runs handlers in one-shot Denos. Nothing of it is started before the first handler comes. */
export class TypeScriptHandlers {
  readonly #children: Children;
  readonly #prepared = new PreparedHandlers();

  constructor(children: Children) {
    this.#children = children;
  }

  async run(given: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult> {
    const from = performance.now();
    const handler = await this.#prepared.prepare(given.code);
    const spentMs = (given.limits.spentMs ?? 0) + performance.now() - from;
    if (signal?.aborted) return { outcome: 'aborted', runMs: 0 };
    if (handler.outcome === 'faulty') return refuseFaulty(handler, host);
    const program = { ...given, limits: { ...given.limits, spentMs } };
    await this.#children.ready();
    const { callsInFlight } = program;
    const requestsInFlight = requestsInFlightOf(program);
    return new HandlerRun(program, host, {
      open: (unwanted) => this.#children.open(program.limits, unwanted),
      execMessage: (contextBytes) => denoExecMessage(program, handler, contextBytes),
      inFlight: { calls: callsInFlight, requests: requestsInFlight, together: callsInFlight + requestsInFlight },
    }).run(signal);
  }

  async close(): Promise<void> {
    await this.#prepared.close();
  }
}

function refuseFaulty({ reason, type, message, traceback }: FaultyHandler, host: SandboxHost): SandboxResult {
  host.log('stderr', traceback === '' ? `${type}: ${message}\n` : traceback);
  return { outcome: 'failed', reason, error: { type, message, traceback }, events: [], runMs: 0 };
}
