import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { isAlive, limits, openSandbox, runHandler, until, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());
const run = (code: string, options?: HandlerOptions) => runHandler(sandbox, code, options);

describe('output', () => {
  it.each([
    ['in one piece', 'print("x" * context, end="")'],
    ['on both streams', 'import sys; print("x" * 10, end=""); print("x" * (context - 10), end="", file=sys.stderr)'],
    ['in small pieces', 'for _ in range(context): print("x", end="")'],
    ['of two bytes a character', 'print("é" * (context // 2) + "x" * (context % 2), end="")'],
  ])('may be as long as the limit and not a byte longer, %s', async (_, statement) => {
    const code = `def handle_event(context):\n    ${statement}`;
    const within = await run(code, { context: 1000, limits: { outputBytes: 1000 } });
    expect(within.result.outcome).toBe('succeeded');
    expect(Buffer.byteLength(within.stdout + within.stderr)).toBe(1000);
    const past = await run(code, { context: 1001, limits: { outputBytes: 1000 } });
    expect(past.result).toMatchObject({
      outcome: 'failed',
      reason: 'limit_exceeded',
      error: { type: 'OutputTooLong' },
    });
    const said = /OutputTooLong: .*\n$/;
    expect(past.stderr).toMatch(said);
    expect(Buffer.byteLength(past.stdout + past.stderr.replace(said, ''))).toBe(1000);
  });

  it('ends a handler that prints 100 MB, and keeps the first of it', async () => {
    const { result, stdout } = await run('def handle_event(context):\n    print("x" * 100_000_000)');
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded' });
    expect(stdout).toBe('x'.repeat(limits.outputBytes));
  });
});

describe('the result', () => {
  it('may be as long as the limit and not a byte longer', async () => {
    const code = 'def handle_event(context):\n    return "é" * context + "x"';
    const options = (count: number) => ({ context: count, limits: { resultBytes: 2003 } });
    expect((await run(code, options(1000))).result.outcome).toBe('succeeded');
    const { result, stderr } = await run(code, options(1001));
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded', error: { type: 'ResultTooLarge' } });
    expect(stderr).toMatch(/^ResultTooLarge: The result is 2005 bytes of JSON, more than the 2003 allowed.*\n$/);
  });
});

describe('memory', () => {
  const memoryBytes = 128 << 20;
  const allocate = 'def handle_event(context):\n    return len(bytearray(context << 20))';

  it('may be used up to the limit', async () => {
    const { result } = await run(allocate, { context: 120, limits: { memoryBytes } });
    expect(result).toMatchObject({ outcome: 'succeeded' });
  });

  it.each([
    ['at once', allocate],
    ['by and by', 'def handle_event(context):\n    kept = []\n    while True: kept.append(bytes(100_000))'],
    ['in globals', 'kept = []\ndef handle_event(context):\n    while True: kept.append("x" * 1000)'],
    ['in one number', 'def handle_event(context):\n    return 1 << 10 ** 10'],
  ])('past the limit is out_of_memory when taken %s', async (_, code) => {
    const { result, stderr } = await run(code, { context: 129, limits: { memoryBytes } });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'out_of_memory', error: { type: 'MemoryError' } });
    expect(stderr).toContain('in handle_event');
  });

  it('is out_of_memory too when the process dies of it', async () => {
    const code = `
import os
def handle_event(context):
    kept = []
    try:
        while True: kept.append(b'x' * (1 << 20))
    except MemoryError:
        os.abort()`;
    const { result } = await run(code, { limits: { memoryBytes } });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'out_of_memory' });
  });

  it('of one handler is not taken from another', async () => {
    const both = await Promise.all([
      run(allocate, { context: 120, limits: { memoryBytes } }),
      run(allocate, { context: 120, limits: { memoryBytes } }),
    ]);
    expect(both.map(({ result }) => result.outcome)).toEqual(['succeeded', 'succeeded']);
  });
});

describe('CPU time', () => {
  it.each([
    ['a loop', 'while True: pass'],
    [
      'a loop that ignores the warning',
      'import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\n    while True: pass',
    ],
  ])('ends %s with limit_exceeded', async (_, statement) => {
    const code = `def handle_event(context):\n    print("before")\n    ${statement}`;
    const { result, stdout } = await run(code, { limits: { cpuSeconds: 1 } });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded', error: { type: 'CpuTimeLimit' } });
    expect(stdout).toBe('before\n');
  });

  it('is not used by waiting', async () => {
    const code = 'import time\ndef handle_event(context):\n    time.sleep(1.2)';
    expect((await run(code, { limits: { cpuSeconds: 1 } })).result.outcome).toBe('succeeded');
  });
});

describe('threads', () => {
  it('may be many, not without end', async () => {
    const code = `
import threading, time
def handle_event(context):
    threading.stack_size(64 << 10)
    for _ in range(context):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(0.6)
    return "all started"`;
    expect((await run(code, { context: 100 })).result).toMatchObject({ result: 'all started' });
    const { result } = await run(code, { context: 1000 });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded', error: { type: 'TooManyThreads' } });
  });
});

describe('time', () => {
  const wallMs = 300;
  it('lets a handler finish just before the limit', async () => {
    const code = 'import time\ndef handle_event(context):\n    time.sleep(0.1)\n    return "in time"';
    expect((await run(code, { limits: { wallMs } })).result).toMatchObject({ outcome: 'succeeded' });
  });

  it.each([
    ['sleeps', 'time.sleep(60)'],
    ['computes', 'while True: pass'],
    ['is stuck in a regular expression', 're.match("(a+)+$", "a" * 60 + "b")'],
    ['ignores every signal it can', 'signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'],
    ['catches everything', 'swallow()'],
    ['waits for a thread', 't = threading.Thread(target=time.sleep, args=(60,)); t.start(); t.join()'],
    ['waits for a helper', 'add_conversation_tag(context, "never answered")'],
  ])('kills for real a handler that %s, and keeps its output', async (_, statement) => {
    const code = `
import os, re, signal, threading, time
def swallow():
    while True:
        try: time.sleep(60)
        except BaseException: pass
def handle_event(context):
    print(os.getpid())
    ${statement}`;
    const { result, stdout } = await run(code, { limits: { wallMs }, answer: () => new Promise(() => undefined) });
    expect(result).toMatchObject({ outcome: 'timed_out', error: { type: 'Timeout' } });
    expect(result.runMs).toBeGreaterThanOrEqual(wallMs - 5);
    expect(result.runMs).toBeLessThan(wallMs + 1000);
    expect(Number(stdout)).toBeGreaterThan(1);
    expect(isAlive(Number(stdout))).toBe(false);
  });

  it.each([
    ['what is left of it', { wallMs: 60_000, spentMs: 59_700 }, /within 60 s /],
    ['nothing, where nothing is left', { wallMs: 59_500, spentMs: 60_000 }, /within 59\.5 s /],
  ])('gives a handler that comes late %s, and names the whole limit', async (_, late, message) => {
    const { result } = await run('import time\ndef handle_event(context):\n    time.sleep(60)', { limits: late });
    expect(result.outcome).toBe('timed_out');
    expect(result).toHaveProperty('error.message', expect.stringMatching(message) as string);
    expect(result.runMs).toBeLessThan(1_500);
  });

  it('counts from the handler’s first line, however long it took to start', async () => {
    const code = 'import time\ndef handle_event(context):\n    time.sleep(0.15)';
    const runs = await Promise.all(Array.from({ length: 60 }, () => run(code, { limits: { wallMs: 2_000 } })));
    expect(runs.map(({ result }) => result.outcome)).toEqual(runs.map(() => 'succeeded'));
  });
});

describe('the caller', () => {
  const sleeper = 'import os, time\ndef handle_event(context):\n    print(os.getpid())\n    time.sleep(60)';

  it('can abort a handler, which is gone then', async () => {
    const controller = new AbortController();
    const pid = await new Promise<number>((resolve, reject) => {
      run(sleeper, { signal: controller.signal, onLog: (_, text) => Number(text) && controller.abort() }).then(
        ({ result, stdout }) =>
          result.outcome === 'aborted' ? resolve(Number(stdout)) : reject(new Error(result.outcome)),
        reject,
      );
    });
    expect(isAlive(pid)).toBe(false);
  });

  it('can abort before anything began', async () => {
    expect((await run(sleeper, { signal: AbortSignal.abort() })).result).toEqual({ outcome: 'aborted', runMs: 0 });
  });

  it('is told its own error when answering a call fails, and the handler is gone', async () => {
    const broken = new Error('the database is away');
    let pid = 0;
    const code =
      'import os\ndef handle_event(context):\n    print(os.getpid())\n    add_conversation_tag(context, "x")';
    const outcome = run(code, { answer: () => Promise.reject(broken), onLog: (_, text) => (pid ||= Number(text)) });
    await expect(outcome).rejects.toBe(broken);
    expect(isAlive(pid)).toBe(false);
  });

  it('is told its own error when taking output fails', async () => {
    const broken = new Error('no room');
    const outcome = run(sleeper, {
      onLog: () => {
        throw broken;
      },
    });
    await expect(outcome).rejects.toBe(broken);
  });

  it('can close the sandbox over running handlers, which are gone then', async () => {
    const own = await openSandbox();
    let pid = 0;
    const running = runHandler(own, sleeper, { onLog: (_, text) => (pid ||= Number(text)) });
    const rejected = expect(running).rejects.toMatchObject({ name: 'SandboxError' });
    await until('the handler runs', () => pid > 0);
    await own.close();
    expect(isAlive(pid)).toBe(false);
    await rejected;
    await expect(runHandler(own, sleeper)).rejects.toMatchObject({ name: 'SandboxError' });
  });
});

describe('priority', () => {
  const nicenessOf = (pid: number) =>
    Number(
      readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
        .split(') ')[1]
        ?.split(' ')[16],
    );
  const code = (what: string) =>
    `import os, time\ndef handle_event(context):\n    print(os.getpid(), end=";")\n    ${what}`;

  it.each([
    ['below the worker’s, for a handler that waits', 'time.sleep(60)', 5],
    ['below all others’, for one that has burnt more than a second of CPU', 'while True: pass', 19],
  ])('is %s', async (_, what, niceness) => {
    const stop = new AbortController();
    let printed = '';
    const running = run(code(what), {
      limits: { wallMs: 30_000 },
      signal: stop.signal,
      onLog: (_stream, text) => (printed += text),
    });
    await until('the handler runs', () => printed.includes(';'));
    await until(`its niceness is ${String(niceness)}`, () => nicenessOf(parseInt(printed, 10)) === niceness, 25_000);
    stop.abort();
    expect((await running).result.outcome).toBe('aborted');
  });
});
