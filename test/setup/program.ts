import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { compileCache } from './compile-cache.ts';
import './provided.ts';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly code?: string;
  readonly url?: string;
}

/** `node src/NAME.ts`, as an operator runs it. */
export class Program {
  readonly lines: LogLine[] = [];
  readonly #child: ChildProcess;

  constructor(name: 'server' | 'worker', environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [join(packageRoot, 'src', `${name}.ts`)], {
      env: {
        PATH: process.env.PATH,
        AFTERWORD_PYTHON: inject('python') ?? 'python3',
        NODE_COMPILE_CACHE: compileCache,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('its output is a pipe');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      // Temporal's core writes some of its warnings itself, as plain text.
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as LogLine);
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the program could not be started');
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  said(message: string): boolean {
    return this.lines.some(({ msg }) => msg === message);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Its exit code; null when a signal ended it. */
  async exited(): Promise<number | null> {
    if (this.running) await once(this.#child, 'exit');
    return this.#child.exitCode;
  }

  async stop(): Promise<number | null> {
    if (this.running) this.signal('SIGTERM');
    return this.exited();
  }

  async kill(): Promise<void> {
    if (this.running) this.signal('SIGKILL');
    await this.exited();
  }
}
