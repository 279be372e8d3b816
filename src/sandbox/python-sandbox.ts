import { ForkServer, type ForkServerSettings } from './fork-server.ts';
import { HandlerRun } from './handler-run.ts';
import { probeSandbox, type SandboxCapability } from './probe.ts';
import { SandboxError, type Sandbox, type SandboxHost, type SandboxProgram, type SandboxResult } from './sandbox.ts';

export interface PythonSandboxOptions {
  /** CPython 3.10 or newer: a path, or a name to be found on PATH. */
  readonly pythonPath: string;
  /** Folders of packages handlers may import besides those of the interpreter, as `pip install --target` makes them. */
  readonly packageFolders?: readonly string[];
  /** Runs handlers even where a layer of the cage is missing. Layers that can be had are used all the same. */
  readonly unsandboxed?: boolean;
  /** One line each: warnings for the operator, and what the fork server writes to its stderr. */
  readonly log?: (message: string) => void;
}

export interface PythonSandbox extends Sandbox {
  /** What was found when it was made; for health. */
  readonly capability: SandboxCapability;
}

const exposed = {
  landlock: "every file the worker's user may read or write, its credentials included",
  seccomp: 'the network, and every process of the same user',
} as const;

/** Never rejects for what the system lacks: then `run` answers `refused`, with the reason. */
export async function createPythonSandbox(options: PythonSandboxOptions): Promise<PythonSandbox> {
  const log = options.log ?? (() => undefined);
  const packageFolders = options.packageFolders ?? [];
  const capability = await probeSandbox(options.pythonPath);
  if (capability.level === 'full') return new CagedPython({ capability, packageFolders, log });
  if (options.unsandboxed !== true || capability.executable === '') {
    log(`Python handlers are refused: ${capability.detail}. ${capability.mend}`);
    return new RefusedPython(capability);
  }
  const open = (['landlock', 'seccomp'] as const).filter((layer) => !capability.layers.includes(layer));
  const what = open.map((layer) => exposed[layer]).join('; ');
  log(`WARNING: Python handlers run UNSANDBOXED, because ${capability.detail}. Exposed to any handler: ${what}.`);
  return new CagedPython({ capability, packageFolders, log });
}

class CagedPython implements PythonSandbox {
  readonly capability: SandboxCapability;
  readonly #settings: ForkServerSettings;
  #server: Promise<ForkServer> | undefined;
  #closed = false;

  constructor(settings: ForkServerSettings) {
    this.capability = settings.capability;
    this.#settings = settings;
    // So that the first handler does not wait for the warm-up. Where it fails, the next run tries again and tells.
    this.#server = this.#start();
  }

  async run(program: SandboxProgram, host: SandboxHost, signal?: AbortSignal): Promise<SandboxResult> {
    if (signal?.aborted) return { outcome: 'aborted', runMs: 0 };
    const server = await this.#liveServer();
    return new HandlerRun(program, host).run(server, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const server = await this.#server?.catch(() => undefined);
    await server?.stop();
  }

  /** Starts one where there is none or the last one has died. */
  async #liveServer(): Promise<ForkServer> {
    if (this.#closed) throw new SandboxError('The sandbox has been closed');
    this.#server ??= this.#start();
    return this.#server;
  }

  #start(): Promise<ForkServer> {
    const starting = ForkServer.start(this.#settings);
    const forget = () => {
      if (this.#server === starting) this.#server = undefined;
    };
    starting.then((server) => server.gone.then(forget), forget);
    return starting;
  }
}

class RefusedPython implements PythonSandbox {
  readonly capability: SandboxCapability;

  constructor(capability: SandboxCapability) {
    this.capability = capability;
  }

  run(): Promise<SandboxResult> {
    const message = `Python handlers are not run on this system: ${this.capability.detail}. ${this.capability.mend}`;
    return Promise.resolve({
      outcome: 'failed',
      reason: 'refused',
      error: { type: 'Refused', message, traceback: '' },
      events: [],
      runMs: 0,
    });
  }

  async close(): Promise<void> {
    // Nothing was started.
  }
}
