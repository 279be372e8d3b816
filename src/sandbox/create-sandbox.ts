import { Children } from './children.ts';
import { probeDeno, type DenoCapability } from './deno.ts';
import type { ForkServerSettings } from './fork-server.ts';
import { LiveForkServer } from './live-fork-server.ts';
import { probeSandbox, type SandboxCapability } from './probe.ts';
import { runPythonHandler } from './python-handlers.ts';
import type { Sandbox, SandboxHost, SandboxProgram, SandboxResult } from './sandbox.ts';
import { TypeScriptHandlers } from './typescript-handlers.ts';

export interface SandboxOptions {
  /** CPython 3.10 or newer: a path, or a name to be found on PATH. */
  readonly pythonPath: string;
  /** Deno 2; null for the one that is installed with Afterword. */
  readonly denoPath?: string | null;
  /** Folders of packages handlers may import besides those of the interpreter, as `pip install --target` makes them. */
  readonly packageFolders?: readonly string[];
  /** Runs handlers even where a layer of the cage is missing. Layers that can be had are used all the same. */
  readonly unsandboxed?: boolean;
  /** One line each: warnings for the operator, and what the fork server writes to its stderr. */
  readonly log?: (message: string) => void;
}

export interface HandlerSandbox extends Sandbox {
  /** What was found when it was made; for health. */
  readonly capability: SandboxCapability;
  /** What handlers in TypeScript need beside the cage. */
  readonly deno: DenoCapability;
}

const exposed = {
  landlock: "every file the worker's user may read or write, its credentials included",
  seccomp: 'the network, and every process of the same user',
} as const;

/** Never rejects for what the system lacks: then `run` answers `refused`, with the reason. */
export async function createSandbox(options: SandboxOptions): Promise<HandlerSandbox> {
  const log = options.log ?? (() => undefined);
  const packageFolders = options.packageFolders ?? [];
  const [capability, deno] = await Promise.all([probeSandbox(options.pythonPath), probeDeno(options.denoPath ?? null)]);
  if (deno.executable === null) log(`TypeScript handlers are refused: ${deno.detail}. ${deno.mend}`);
  const settings = { capability, packageFolders, deno: deno.executable, log };
  if (capability.level === 'full') return new CagedHandlers(settings, deno);
  if (options.unsandboxed !== true || capability.executable === '') {
    log(`Handlers are refused: ${capability.detail}. ${capability.mend}`);
    return new RefusedHandlers(capability, deno);
  }
  const open = (['landlock', 'seccomp'] as const).filter((layer) => !capability.layers.includes(layer));
  const what = open.map((layer) => exposed[layer]).join('; ');
  log(`WARNING: handlers run UNSANDBOXED, because ${capability.detail}. Exposed to any handler: ${what}.`);
  return new CagedHandlers(settings, deno);
}

class CagedHandlers implements HandlerSandbox {
  readonly capability: SandboxCapability;
  readonly deno: DenoCapability;
  readonly #servers: LiveForkServer;
  readonly #python: Children;
  readonly #denos: Children;
  readonly #typescript: TypeScriptHandlers;

  constructor(settings: ForkServerSettings, deno: DenoCapability) {
    this.capability = settings.capability;
    this.deno = deno;
    this.#servers = new LiveForkServer(settings);
    this.#python = new Children(this.#servers, 'python', settings.log);
    this.#denos = new Children(this.#servers, 'deno', settings.log);
    this.#typescript = new TypeScriptHandlers(this.#denos);
  }

  async run(program: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult> {
    if (signal?.aborted) return { outcome: 'aborted', runMs: 0 };
    if (program.language === 'python') return runPythonHandler(this.#python, program, host, signal);
    if (this.deno.executable === null) return refused('TypeScript', this.deno);
    return this.#typescript.run(program, host, signal);
  }

  async close(): Promise<void> {
    this.#python.close();
    this.#denos.close();
    await this.#typescript.close();
    await this.#servers.close();
  }
}

class RefusedHandlers implements HandlerSandbox {
  readonly capability: SandboxCapability;
  readonly deno: DenoCapability;

  constructor(capability: SandboxCapability, deno: DenoCapability) {
    this.capability = capability;
    this.deno = deno;
  }

  run({ language }: SandboxProgram): Promise<SandboxResult> {
    // Deno is started by the same fork server, so without Python neither runs.
    return Promise.resolve(refused(language === 'python' ? 'Python' : 'TypeScript', this.capability));
  }

  async close(): Promise<void> {
    // Nothing was started.
  }
}

function refused(language: string, { detail, mend }: { detail: string; mend: string }): SandboxResult {
  const message = `${language} handlers are not run on this system: ${detail}. ${mend}`;
  const error = { type: 'Refused', message, traceback: '' };
  return { outcome: 'failed', reason: 'refused', error, events: [], runMs: 0 };
}
