import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const run = (text: string, options: HandlerOptions = {}) =>
  runHandler(sandbox, `export async function handleEvent(context: any, helpers: any) {\n${text}\n}`, {
    ...options,
    language: 'typescript',
  });
/** Long enough for a first line on a machine that is busy with much else. */
const nearby = { wallMs: 3_000 };

describe('a handler that takes too long', () => {
  test.each([
    ['a loop', 'console.log("before"); for (;;) {}'],
    ['a promise that never settles', 'console.log("before"); await new Promise(() => {});'],
    ['a timer that comes again', 'console.log("before"); await new Promise(() => setInterval(() => {}, 10));'],
    ['microtasks without end', 'console.log("before"); for (;;) await null;'],
    ['a catastrophic pattern', 'console.log("before"); /^(a+)+$/.test("a".repeat(40) + "b");'],
    [
      'signals that are ignored',
      'console.log("before"); try { process.on("SIGTERM", () => {}); } catch {} for (;;) {}',
    ],
  ])('is stopped in %s', async (_, text) => {
    const { result, stdout } = await run(text, { limits: nearby });
    expect(result).toMatchObject({ outcome: 'timed_out', error: { type: 'Timeout' } });
    expect(stdout).toBe('before\n');
    expect(result.runMs).toBeLessThan(8_000);
  });

  test('is stopped for CPU time before its time is up', async () => {
    const { result } = await run('for (;;) {}', { limits: { cpuSeconds: 1, wallMs: 20_000 } });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded', error: { type: 'CpuTimeLimit' } });
  });
});

describe('a handler that takes too much memory', () => {
  test.each([
    ['a buffer of 4 GiB', 'return new ArrayBuffer(4 * 2 ** 30).byteLength;'],
    ['buffers that are used', 'const all = []; for (;;) all.push(new Uint8Array(16 << 20).fill(1));'],
    ['a heap that grows', 'const all = []; for (;;) all.push({ a: [all.length, all.length] });'],
    ['a text of 1 GB', 'let text = "a"; for (;;) text += text;'],
    ['texts that are used', 'const all = []; for (;;) all.push(JSON.stringify(Array(1 << 20).fill(all.length)));'],
  ])('fails by %s', async (_, text) => {
    const { result } = await run(text, { limits: { wallMs: 20_000, cpuSeconds: 20 } });
    expect(result, JSON.stringify(result)).toMatchObject({ outcome: 'failed', reason: 'out_of_memory' });
  });

  test('leaves its neighbour alone', async () => {
    const [hungry, neighbour] = await Promise.all([
      run('const all = []; for (;;) all.push(new Uint8Array(16 << 20).fill(1));', { limits: { wallMs: 20_000 } }),
      run('return new Uint8Array(100 << 20).fill(1).length;'),
    ]);
    expect(hungry.result).toMatchObject({ reason: 'out_of_memory' });
    expect(neighbour.result).toMatchObject({ outcome: 'succeeded', result: 100 << 20 });
  });
});

describe('a handler that says too much', () => {
  test('is stopped at the limit of its output', async () => {
    const { result, stdout } = await run('const line = "x".repeat(1 << 20); for (;;) console.log(line);');
    expect(result).toMatchObject({ outcome: 'failed', reason: 'limit_exceeded', error: { type: 'OutputTooLong' } });
    expect(stdout).toHaveLength(64 << 10);
  });

  test('may return as much as is allowed, and no byte more', async () => {
    const text = 'return "a".repeat(context.length);';
    expect((await run(text, { context: { length: 98 }, limits: { resultBytes: 100 } })).result).toMatchObject({
      outcome: 'succeeded',
    });
    expect((await run(text, { context: { length: 99 }, limits: { resultBytes: 100 } })).result).toMatchObject({
      outcome: 'failed',
      reason: 'limit_exceeded',
      error: { type: 'ResultTooLarge' },
    });
  });

  test('keeps the characters of a long line whole', async () => {
    const { stdout } = await run('console.log("😀".repeat(10_000));', { limits: { outputBytes: 1 << 20 } });
    expect(stdout).toBe(`${'😀'.repeat(10_000)}\n`);
  });
});
