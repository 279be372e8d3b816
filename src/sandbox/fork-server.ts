import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.ts';
import { codeOf, connectTo } from './connect.ts';
import { beginning, header, type Runtime } from './exec-message.ts';
import { ExitReport } from './exit-report.ts';
import { pythonFlags, pythonMain, type SandboxCapability } from './probe.ts';
import { SandboxError, type SandboxLimits } from './sandbox.ts';

const Ready = z.object({ ready: z.literal(true) });
const ForkFailed = z.object({ id: z.int(), failed: z.string() });
const ServerMessage = z.union([ExitReport, Ready, ForkFailed]);

/** Made by the build of what lies in `deno`. */
const denoRunner = join(packageRoot, 'dist/deno-runner/main.js');
const startTimeoutMs = 30_000;
const stopTimeoutMs = 5_000;

/**
 * All a handler's process ever knows of an environment. Nothing of the worker's: that holds its secrets.
 * The fixed hash seed makes a retry iterate its sets in the same order; two arenas keep threads within the memory limit.
 */
const cleanEnvironment = {
  PATH: '/nonexistent',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
  TZ: 'UTC',
  MALLOC_ARENA_MAX: '2',
  PYTHONHASHSEED: '0',
  PYTHONDONTWRITEBYTECODE: '1',
  // Where `requests` would look for names and passwords.
  NETRC: '/nonexistent',
  // The Weni toolkit sends contacts, with the project's token, to a staging system unless it is told where they belong.
  FLOWS_BASE_URL: 'https://flows.weni.ai',
};

const names: Readonly<Record<Runtime, string>> = { python: 'Python', deno: 'Deno' };
/** What becomes Deno imports no packages. */
const flagsOf: Readonly<Record<Runtime, readonly string[]>> = { python: [], deno: ['-S'] };

export interface ForkServerSettings {
  readonly capability: SandboxCapability;
  /** Folders of Python packages beside the interpreter's own. */
  readonly packageFolders: readonly string[];
  /** The binary; null where there is none. */
  readonly deno: string | null;
  /** Python handlers may open no file at all: for systems without Landlock. */
  readonly withoutFiles: boolean;
  readonly log: (message: string) => void;
}

/** A process of its own for one handler. */
export interface ForkedChild {
  readonly id: number;
  readonly runtime: Runtime;
  /** Closing it is the kill. */
  readonly socket: Socket;
  /** Resolves when the process is gone, rejects when the fork server is. */
  readonly exited: Promise<ExitReport>;
}

/** An interpreter that forks a child of one runtime for each connection. Lives until it is stopped or dies; then make another. */
export class ForkServer {
  readonly #runtime: Runtime;
  readonly #name: string;
  readonly #socketPath: string;
  /** Resolves, never rejects, with a sentence on why it is gone. */
  readonly gone: Promise<string>;
  /** After that, when nothing is left of it on the disk either. */
  readonly #cleared: Promise<void>;
  #alive = true;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, { resolve: (report: ExitReport) => void; reject: (error: Error) => void }>();
  #executions = 0;

  /** Resolves when it accepts connections; rejects with SandboxError. */
  static async start(runtime: Runtime, settings: ForkServerSettings): Promise<ForkServer> {
    const folder = await mkdtemp(join(tmpdir(), `afterword-${runtime}-`));
    const server = new ForkServer(runtime, settings, folder);
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<string>((resolve) => {
      timer = setTimeout(() => {
        resolve('it was not ready in time');
      }, startTimeoutMs);
    });
    const trouble = await Promise.race([server.#ready, server.gone, tooLate]);
    clearTimeout(timer);
    if (trouble === undefined) return server;
    await server.stop();
    throw new SandboxError(`${server.#name} did not start: ${trouble}`);
  }

  readonly #ready: Promise<undefined>;

  private constructor(runtime: Runtime, settings: ForkServerSettings, folder: string) {
    const { capability, log } = settings;
    this.#runtime = runtime;
    this.#name = `The fork server of ${names[runtime]}`;
    this.#socketPath = join(folder, 'socket');
    const options = JSON.stringify({
      socket: this.#socketPath,
      layers: capability.layers,
      ...optionsOf(runtime, settings),
    });
    // Detached: its own session, so that Ctrl-C in a terminal leaves it to us to end it.
    this.#process = spawn(capability.executable, [...pythonFlags, ...flagsOf[runtime], pythonMain, 'serve', options], {
      env: cleanEnvironment,
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#process.stdin.on('error', () => undefined); // it died: `gone` says so
    createInterface({ input: this.#process.stderr }).on('line', (line) => {
      log(`${this.#name}: ${line}`);
    });
    this.#ready = new Promise((resolve) => {
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        const message = parse(line);
        if (!message)
          log(`${this.#name}: ${line}`); // a module that prints while it is imported
        else if ('ready' in message) resolve(undefined);
        else this.#settle(message);
      });
    });
    this.gone = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        resolve(error.message);
      });
      this.#process.once('close', (code, signal) => {
        resolve(`it ended with ${signal ?? `code ${String(code)}`}`);
      });
    }).then((reason) => {
      this.#alive = false;
      for (const { reject } of this.#waiting.values())
        reject(new SandboxError(`${this.#name} is gone: ${String(reason)}`));
      this.#waiting.clear();
      return String(reason);
    });
    this.#cleared = this.gone.then(() => rm(folder, { recursive: true, force: true }));
    this.#cleared.catch(() => undefined); // whoever stops it hears of it
  }

  /**
   * A child in the cage, corked; its handler's code is still to come. Undefined once `unwanted()`. `wallMs`: 0 where its
   * time begins later, by `begin`.
   */
  async fork(limits: SandboxLimits, wallMs: number, unwanted: () => boolean): Promise<ForkedChild | undefined> {
    const socket = await this.#connect(unwanted);
    if (!socket) return undefined;
    const { id, exited } = this.#expect();
    socket.on('error', () => undefined); // closed under us: the exit report says why
    socket.cork();
    socket.write(header(id, limits, wallMs));
    return { id, runtime: this.#runtime, socket, exited };
  }

  /** The handler of a child that was started ahead has come. */
  begin({ id }: ForkedChild, wallMs: number): void {
    this.#process.stdin.write(beginning(id, wallMs));
  }

  /** A server that lives and cannot be reached (its socket was deleted) makes way for another. */
  async #connect(unwanted: () => boolean): Promise<Socket | undefined> {
    try {
      return await connectTo(this.#socketPath, unwanted);
    } catch (error) {
      const code = error instanceof Error ? codeOf(error.cause) : undefined;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') await this.stop();
      throw error;
    }
  }

  #expect(): Pick<ForkedChild, 'id' | 'exited'> {
    const id = (this.#executions += 1);
    const exited = new Promise<ExitReport>((resolve, reject) => {
      if (this.#alive) this.#waiting.set(id, { resolve, reject });
      else reject(new SandboxError(`${this.#name} is gone`));
    });
    exited.catch(() => undefined); // whoever awaits it hears of it
    return { id, exited };
  }

  /** Everything it runs dies with it. Resolves when all processes are gone. */
  async stop(): Promise<void> {
    this.#process.stdin.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), stopTimeoutMs);
    await this.gone;
    clearTimeout(timer);
    await this.#cleared;
  }

  #settle(message: z.infer<typeof ExitReport> | z.infer<typeof ForkFailed>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('failed' in message) waiting?.reject(new SandboxError(`No process for the handler: ${message.failed}`));
    else waiting?.resolve(message);
  }
}

function parse(line: string): z.infer<typeof ServerMessage> | undefined {
  try {
    return ServerMessage.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function optionsOf(runtime: Runtime, { deno, packageFolders, withoutFiles }: ForkServerSettings): object {
  return runtime === 'deno'
    ? { deno: { executable: deno, runner: denoRunner } }
    : { python: { packageFolders, withoutFiles } };
}
