import { AsyncLocalStorage } from 'node:async_hooks';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { probeDeno } from '../../src/sandbox/deno.ts';
import { tryDeno } from '../../src/sandbox/try-deno.ts';
import { isAlive, limits, openSandbox, runHandler, until } from './running.ts';

/** Of each runtime. */
const ahead = 1 + availableParallelism();
const one = 'export const handleEvent = () => 1;';
/** Children of this test process's fork server: those that wait and those that run. */
function childrenOfRuntime(isOf: (executable: string) => boolean): number[] {
  const parentOf = (pid: number) =>
    Number(
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ')[1],
    );
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return isOf(readlinkSync(`/proc/${String(pid)}/exe`)) && parentOf(parentOf(pid)) === process.pid;
      } catch {
        return false;
      }
    });
}
const denos = () => childrenOfRuntime((executable) => executable.endsWith('/deno'));
const pythons = () => childrenOfRuntime((executable) => !executable.endsWith('/deno'));

async function withSandbox(use: (sandbox: HandlerSandbox, logged: string[]) => Promise<void>): Promise<void> {
  const logged: string[] = [];
  const sandbox = await openSandbox((line) => logged.push(line));
  try {
    await use(sandbox, logged);
  } finally {
    await sandbox.close();
  }
}

test('starts nothing before the first handler in TypeScript, then keeps some ready', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, 'def handle_event(context): return 1');
    expect(denos()).toEqual([]);
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
  });
  await until('all are gone', () => denos().length === 0);
});

test('keeps forks of Python ready from the first handler in Python on, and uses each once', async () => {
  const own = 'import os\ndef handle_event(context): return os.getpid()';
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, own);
    await until('some wait', () => pythons().length === ahead);
    const waiting = pythons();
    const runs = await Promise.all([...waiting, 'one more'].map(() => runHandler(sandbox, own)));
    const used = runs.map(({ result }) => (result.outcome === 'succeeded' ? result.result : result));
    expect(new Set(used).size).toBe(ahead + 1);
    expect(used).toEqual(expect.arrayContaining(waiting));
    await until('others wait', () => pythons().length === ahead && !pythons().some((pid) => used.includes(pid)));
  });
  await until('all are gone', () => pythons().length === 0);
});

test('uses each once and puts another in its place', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
    const first = denos();
    await Promise.all(first.map(() => runHandler(sandbox, one, { language: 'typescript' })));
    await until('others wait', () => denos().length === ahead && !denos().some((pid) => first.includes(pid)));
  });
});

test('hears a handler in the async context of its own run, whoever had its process started', async () => {
  const runs = new AsyncLocalStorage<number>();
  const heardIn: (number | undefined)[] = [];
  const onLog = () => heardIn.push(runs.getStore());
  await withSandbox(async (sandbox) => {
    for (const run of [1, 2, 3, 4, 5]) {
      const code = 'export const handleEvent = () => console.log(1);';
      await runs.run(run, () => runHandler(sandbox, code, { language: 'typescript', onLog }));
      await until('some wait', () => denos().length === ahead);
    }
  });
  expect(heardIn).toEqual([1, 2, 3, 4, 5]);
});

test('keeps nothing of a run that has ended', async () => {
  const runs = new AsyncLocalStorage<object>();
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  await withSandbox(async (sandbox) => {
    const ended = async (): Promise<WeakRef<object>> => {
      const run = {};
      await runs.run(run, () => runHandler(sandbox, one, { language: 'typescript' }));
      return new WeakRef(run);
    };
    await ended(); // what is made once may keep the first
    const all = [await ended(), await ended(), await ended()];
    await until('some wait', () => denos().length === ahead);
    await until('they are forgotten', () => {
      collectGarbage();
      return all.every((run) => run.deref() === undefined);
    });
  });
});

test('notices one that died and replaces it', async () => {
  await withSandbox(async (sandbox, logged) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
    const [victim = 0] = denos();
    process.kill(victim, 'SIGKILL');
    await until('it is noticed', () => logged.some((line) => line.includes('has died')));
    await until('another waits', () => denos().length === ahead && !denos().includes(victim));
    expect((await runHandler(sandbox, one, { language: 'typescript' })).result).toMatchObject({ outcome: 'succeeded' });
  });
});

test('kills one that was started ahead by the time of its own handler', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
    const endless = 'export const handleEvent = () => { for (;;) {} };';
    const { result } = await runHandler(sandbox, endless, { language: 'typescript', limits: { wallMs: 500 } });
    expect(result).toMatchObject({ outcome: 'timed_out' });
    await until('it is gone', () => denos().length === ahead);
  });
});

test('has one that was started ahead killed by the fork server when the host is too busy to', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
    const waiting = denos();
    let left: number[] | undefined;
    const { result } = await runHandler(sandbox, 'export const handleEvent = () => { console.log(1); for (;;) {} };', {
      language: 'typescript',
      limits: { wallMs: 50 },
      onLog: () => {
        const blockedUntil = Date.now() + 15_000;
        while (left?.length !== ahead - 1 && Date.now() < blockedUntil)
          left = denos().filter((pid) => waiting.includes(pid));
      },
    });
    expect(result).toMatchObject({ outcome: 'timed_out' });
    expect(left).toHaveLength(ahead - 1);
  });
});

test('keeps ready what most handlers need, whatever the first one had', async () => {
  const own = 'import os\ndef handle_event(context): return os.getpid()';
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, own, { limits: { memoryBytes: limits.memoryBytes / 2, cpuSeconds: 1 } });
    await until('some wait', () => pythons().length === ahead);
    const waiting = pythons();
    const other = await runHandler(sandbox, own, { limits: { memoryBytes: limits.memoryBytes / 2 } });
    expect(waiting).not.toContain('result' in other.result ? other.result.result : undefined);
    const usual = await runHandler(sandbox, own);
    expect(waiting).toContain('result' in usual.result ? usual.result.result : undefined);
  });
});

test('starts a process of its own for other limits', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    const other = { memoryBytes: limits.memoryBytes * 2 };
    const { result } = await runHandler(sandbox, one, { language: 'typescript', limits: other });
    expect(result).toMatchObject({ outcome: 'succeeded' });
  });
});

test('leaves no process when the fork server dies, and goes on with another', async () => {
  await withSandbox(async (sandbox) => {
    await runHandler(sandbox, one, { language: 'typescript' });
    await until('some wait', () => denos().length === ahead);
    const before = denos();
    const [first = 0] = before;
    const server = Number(
      readFileSync(`/proc/${String(first)}/stat`, 'utf8')
        .split(') ')
        .at(-1)
        ?.split(' ')[1],
    );
    process.kill(server, 'SIGKILL');
    await until('they are gone', () => !before.some(isAlive));
    await until('it runs again', () => !isAlive(server));
    expect((await runHandler(sandbox, one, { language: 'typescript' })).result).toMatchObject({ outcome: 'succeeded' });
  });
});

test('is tried by the doctor, who says why it does not run', async () => {
  const python = process.env.AFTERWORD_PYTHON ?? 'python3';
  const { executable } = await probeDeno(null);
  expect(await tryDeno(python, executable ?? '')).toBeNull();
  expect(await tryDeno(python, '/bin/true')).toContain('/bin/true is no Deno 2');
  expect(await probeDeno('deno')).toMatchObject({ executable: null, detail: 'deno is not an absolute path' });
  expect(await probeDeno('/nonexistent/deno')).toMatchObject({ executable: null });
});
