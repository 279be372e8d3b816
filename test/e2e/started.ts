import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';

/** Generous: the embedded store is made at the first start, on a machine that others use too. */
export const firstStartMs = 120_000;

export interface Started {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly exited: Promise<number | null>;
}

const started: Started[] = [];

/** SIGKILL for what a test has left running. */
export async function endAll(): Promise<void> {
  for (const { child, exited } of started.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
}

export function run(home: string, options: { args?: string[]; env?: Record<string, string> } = {}): Started {
  const child = spawn(process.execPath, [join(packageRoot, 'dist', 'dev.js'), ...(options.args ?? [])], {
    cwd: packageRoot,
    // A group of its own, as a terminal gives it: Ctrl-C reaches all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AFTERWORD_HOME: home,
      AFTERWORD_PORT: '0',
      AFTERWORD_TEMPORAL_PORT: '0',
      AFTERWORD_TEMPORAL_UI_PORT: '0',
      ...options.env,
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const one = { child, text: () => text, exited };
  started.push(one);
  return one;
}

export async function untilSaid({ text, child }: Started, words: string, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!text().includes(words)) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${text()}`);
    if (Date.now() > deadline) throw new Error(`"${words}" was not said within ${withinMs} ms:\n${text()}`);
    await sleep(20);
  }
}

/** Seconds from the start of the process, as it says itself. */
export function readyAfter({ text }: Started): number {
  return Number(/Afterword is ready, after ([\d.]+) s/.exec(text())?.[1]);
}

/** All processes below this one, whatever group or session they are in. */
export function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = parentOf(Number(name));
      return parent === undefined ? [] : [[Number(name), parent] as const];
    });
  const below = (parent: number): number[] =>
    parents.filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

export async function expectGone(pids: readonly number[], withinMs = 0): Promise<void> {
  const deadline = Date.now() + withinMs;
  const left = () => pids.filter((pid) => parentOf(pid) !== undefined);
  while (left().length > 0 && Date.now() < deadline) await sleep(20);
  expect(left()).toEqual([]);
}

export function pidOf({ child }: Started): number {
  if (child.pid === undefined) throw new Error('The process has no id.');
  return child.pid;
}

/** Ctrl-C in a terminal. Answers how long the end took. */
export async function interrupt(running: Started): Promise<{ code: number | null; ms: number }> {
  const start = performance.now();
  process.kill(-pidOf(running), 'SIGINT');
  const code = await running.exited;
  return { code, ms: performance.now() - start };
}
