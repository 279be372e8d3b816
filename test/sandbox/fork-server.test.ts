import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { SandboxError } from '../../src/sandbox/sandbox.ts';
import { isAlive, openSandbox, runHandler, until } from './running.ts';

const sleeper =
  'import os, time\ndef handle_event(context):\n    print(os.getppid(), os.getpid(), end=";")\n    time.sleep(60)';
/** Processes that were started with `text` in their arguments. */
const processesNaming = (text: string) =>
  readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(text);
    } catch {
      return false; // it ended just now
    }
  });

const pids = (printed: string) => printed.replace(';', '').split(' ').map(Number);

describe('the fork server', () => {
  let sandbox: HandlerSandbox;
  beforeAll(async () => {
    sandbox = await openSandbox();
  });
  afterAll(() => sandbox.close());

  it('takes its handlers with it when it dies; they are the platform’s failure, and the next run works', async () => {
    let printed = '';
    const running = runHandler(sandbox, sleeper, { onLog: (_, text) => (printed += text) });
    const rejected = expect(running).rejects.toMatchObject({
      name: 'SandboxError',
      message: expect.stringMatching(/gone/) as string,
    });
    await until('the handler runs', () => printed.includes(';'));
    const [server = 0, handler = 0] = pids(printed);
    process.kill(server, 'SIGKILL');
    await rejected;
    await until('the handler is gone', () => !isAlive(handler));
    const { result } = await runHandler(sandbox, 'import os\ndef handle_event(context): return os.getppid()');
    expect(result).toMatchObject({ outcome: 'succeeded' });
    expect(result).not.toHaveProperty('result', server);
  });

  it('kills a handler itself when the host is too busy to', async () => {
    let blocked = false;
    const { result } = await runHandler(sandbox, sleeper, {
      limits: { wallMs: 50 },
      onLog: () => {
        if (blocked) return;
        blocked = true;
        const until = Date.now() + 3_000;
        while (Date.now() < until);
      },
    });
    expect(result.outcome).toBe('timed_out');
  });

  it('takes 300 connections at once without losing one', async () => {
    const code = 'def handle_event(context): return context["n"]';
    const runs = await Promise.all(
      Array.from({ length: 300 }, (_, n) => runHandler(sandbox, code, { context: { n } })),
    );
    expect(runs.map(({ result }) => result.outcome === 'succeeded' && result.result)).toEqual(runs.map((_, n) => n));
  });

  it('listens in a folder nobody else can enter, and leaves none behind', async () => {
    const own = await mkdtemp(join(tmpdir(), 'afterword-test-'));
    const { TMPDIR } = process.env;
    process.env.TMPDIR = own;
    const inOwn = await openSandbox();
    await runHandler(inOwn, 'def handle_event(context): return 1');
    const [folder = 'none'] = await readdir(own);
    expect((await stat(join(own, folder))).mode & 0o777).toBe(0o700);

    // A cleaner of old files takes the socket away: until there is a new server, a run is the platform's failure, unless a
    // process had been started ahead for it.
    await unlink(join(own, folder, 'socket'));
    const failures: unknown[] = [];
    while ((await readdir(own)).every((name) => name === folder)) {
      await runHandler(inOwn, 'def handle_event(context): return 1').catch((error: unknown) => failures.push(error));
    }
    expect(failures.every((error) => error instanceof SandboxError)).toBe(true);
    expect((await runHandler(inOwn, 'def handle_event(context): return 1')).result.outcome).toBe('succeeded');
    await inOwn.close();
    expect(await readdir(own)).toEqual([]);
    if (TMPDIR === undefined) Reflect.deleteProperty(process.env, 'TMPDIR');
    else process.env.TMPDIR = TMPDIR;
    await rmdir(own);
  });
});

describe('a sandbox that was just made', () => {
  const { TMPDIR } = process.env;
  let own: string;
  beforeEach(async () => {
    own = await mkdtemp(join(tmpdir(), 'afterword-test-'));
    process.env.TMPDIR = own;
  });
  afterEach(async () => {
    if (TMPDIR === undefined) Reflect.deleteProperty(process.env, 'TMPDIR');
    else process.env.TMPDIR = TMPDIR;
    await rmdir(own); // empty: nothing is left behind
  });

  it('has its fork server ready before the first handler comes', async () => {
    const sandbox = await openSandbox();
    await until('it listens', () =>
      readdirSync(own, { recursive: true, encoding: 'utf8' }).some((path) => path.endsWith('socket')),
    );
    await sandbox.close();
  });

  it('can be closed before its fork server is ready, which is gone then', async () => {
    const sandbox = await openSandbox();
    await until('the fork server is there', () => processesNaming(own).length > 0);
    await sandbox.close();
    expect(processesNaming(own)).toEqual([]);
  });

  it('can be closed at once', async () => {
    await (await openSandbox()).close();
    expect(processesNaming(own)).toEqual([]);
  });

  it('whose fork server could not be started starts another when it is needed', async () => {
    process.env.TMPDIR = join(own, 'missing');
    const sandbox = await openSandbox();
    await expect(runHandler(sandbox, 'def handle_event(context): return 1')).rejects.toThrow('ENOENT');
    process.env.TMPDIR = own;
    expect((await runHandler(sandbox, 'def handle_event(context): return 1')).result.outcome).toBe('succeeded');
    await sandbox.close();
  });
});

describe('a worker that dies', () => {
  it.each(['SIGKILL', 'SIGTERM'] as const)('of %s takes the fork server and all handlers with it', async (signal) => {
    const own = await mkdtemp(join(tmpdir(), 'afterword-test-'));
    const worker = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/host.ts'), sleeper], {
      env: { ...process.env, TMPDIR: own },
    });
    let printed = '';
    createInterface({ input: worker.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { printed?: string };
      printed += message.printed ?? '';
    });
    await until('the handler runs', () => printed.includes(';'), 10_000);
    const both = pids(printed);
    expect(both.map(isAlive)).toEqual([true, true]);
    worker.kill(signal);
    await until('both processes are gone', () => !both.some(isAlive));
    await rmdir(own); // empty: the socket and its folder went too
  });

  it('while its fork server warms up, leaves nothing behind either', async () => {
    const own = await mkdtemp(join(tmpdir(), 'afterword-test-'));
    const worker = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/host.ts'), sleeper], {
      env: { ...process.env, TMPDIR: own },
    });
    await until('the fork server is there', () => processesNaming(own).length > 0, 10_000);
    worker.kill('SIGKILL');
    await until('the fork server is gone', () => processesNaming(own).length === 0);
    await rmdir(own);
  });
});
