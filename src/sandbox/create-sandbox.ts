import { cageOf, type Cage } from './cage.ts';
import { Children } from './children.ts';
import { probeDeno, type DenoCapability } from './deno.ts';
import type { ForkServerSettings } from './fork-server.ts';
import { handlerLimits } from './handler-limits.ts';
import { LiveForkServer } from './live-fork-server.ts';
import { probeSandbox, type SandboxCapability } from './probe.ts';
import { runPythonHandler } from './python-handlers.ts';
import type { Sandbox, SandboxHost, SandboxLimits, SandboxProgram, SandboxResult } from './sandbox.ts';
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
  /** Processes wait ahead for handlers with the CPU time and memory of these; left out: what every handler may have. */
  readonly usualLimits?: SandboxLimits;
  /** One line each: warnings for the operator, and what the fork server writes to its stderr. */
  readonly log?: (message: string) => void;
}

export interface HandlerSandbox extends Sandbox {
  /** What was found when it was made; for health. */
  readonly cage: Cage;
  readonly capability: SandboxCapability;
  /** What handlers in TypeScript need beside the cage. */
  readonly deno: DenoCapability;
}

/** Never rejects for what the system lacks: then `run` answers `refused`, with the reason. */
export async function createSandbox(options: SandboxOptions): Promise<HandlerSandbox> {
  const log = options.log ?? (() => undefined);
  const packageFolders = options.packageFolders ?? [];
  const [capability, deno] = await Promise.all([probeSandbox(options.pythonPath), probeDeno(options.denoPath ?? null)]);
  const cage = cageOf(capability, deno, options.unsandboxed === true);
  const found = { cage, capability, deno };
  if (cage.mend !== '') log(`${headlines[cage.level]} ${cage.detail}. ${cage.mend}`);
  if (cage.level === 'refused') return new RefusedHandlers(found);
  const withoutFiles = cage.level === 'no_landlock';
  const settings = { capability, packageFolders, deno: deno.executable, withoutFiles, log };
  return new CagedHandlers(found, settings, options.usualLimits ?? handlerLimits);
}

const headlines = {
  full: 'In part:',
  no_landlock: 'WARNING: without Landlock:',
  deno_only: 'WARNING: Deno only:',
  unsandboxed: 'WARNING:',
  refused: 'Handlers are refused:',
} as const;

type Found = Pick<HandlerSandbox, 'cage' | 'capability' | 'deno'>;

class CagedHandlers implements HandlerSandbox {
  readonly cage: Cage;
  readonly capability: SandboxCapability;
  readonly deno: DenoCapability;
  readonly #python: Children;
  readonly #denos: Children;
  readonly #typescript: TypeScriptHandlers;

  constructor({ cage, capability, deno }: Found, settings: ForkServerSettings, usual: SandboxLimits) {
    this.cage = cage;
    this.capability = capability;
    this.deno = deno;
    const python = new LiveForkServer('python', settings);
    if (cage.python) python.startAhead();
    this.#python = new Children(python, usual, settings.log);
    this.#denos = new Children(new LiveForkServer('deno', settings), usual, settings.log);
    this.#typescript = new TypeScriptHandlers(this.#denos);
  }

  async run(program: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult> {
    if (signal?.aborted) return { outcome: 'aborted', runMs: 0 };
    if (program.language === 'python') {
      if (!this.cage.python) return refused('Python', this.capability);
      return runPythonHandler(this.#python, program, host, signal);
    }
    if (!this.cage.typescript) return refused('TypeScript', this.deno);
    return this.#typescript.run(program, host, signal);
  }

  async close(): Promise<void> {
    await this.#typescript.close();
    await Promise.all([this.#python.close(), this.#denos.close()]);
  }
}

class RefusedHandlers implements HandlerSandbox {
  readonly cage: Cage;
  readonly capability: SandboxCapability;
  readonly deno: DenoCapability;

  constructor({ cage, capability, deno }: Found) {
    this.cage = cage;
    this.capability = capability;
    this.deno = deno;
  }

  run({ language }: SandboxProgram): Promise<SandboxResult> {
    return Promise.resolve(refused(language === 'python' ? 'Python' : 'TypeScript', this.cage));
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
