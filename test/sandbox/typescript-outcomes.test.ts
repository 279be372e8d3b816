import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const run = (code: string, options: HandlerOptions = {}) =>
  runHandler(sandbox, code, { ...options, language: 'typescript' });
const body = (text: string) => `export async function handleEvent(context: any, helpers: any) {\n${text}\n}`;

describe('a handler in TypeScript', () => {
  test('answers its result, logs and reads its context', async () => {
    const code = `
interface Context { conversation: { id: string; messages: { content: string }[] } }
type Answer = { id: string; shout?: string };
export async function handleEvent(context: Context, helpers: unknown): Promise<Answer> {
  const [first] = context.conversation.messages;
  console.log('from', context.conversation.id);
  console.error('bad', { a: 1 });
  return { id: context.conversation.id, shout: first!.content.toUpperCase() as string };
}`;
    const context = { conversation: { id: 'c1', messages: [{ content: 'héllo' }] } };
    const { result, stdout, stderr } = await run(code, { context });
    expect(result).toMatchObject({ outcome: 'succeeded', result: { id: 'c1', shout: 'HÉLLO' } });
    expect(stdout).toBe('from c1\n');
    expect(stderr).toBe('bad { a: 1 }\n');
  });

  test.each([
    ['a plain function', 'export function handleEvent() { return 1; }', 1],
    ['a const', 'export const handleEvent = async (): Promise<number> => 1;', 1],
    ['a name given in a list', 'const run = () => 1;\nexport { run as handleEvent };', 1],
    ['top-level await', 'const n = await Promise.resolve(1);\nexport const handleEvent = () => n;', 1],
    ['a default export beside it', 'export default function () {}\nexport const handleEvent = () => 1;', 1],
    ['a byte order mark', '\ufeffexport const handleEvent = () => 1;', 1],
    ['types only imported', "import type { A } from 'a';\nexport const handleEvent = (): A => 1;", 1],
    ['nothing to return', 'export function handleEvent() {}', null],
  ])('takes %s', async (_, code, expected) => {
    expect((await run(code)).result).toMatchObject({ outcome: 'succeeded', result: expected });
  });

  test('shows the user’s own lines and columns, and no frames but theirs', async () => {
    const code = `type A = {
  a: number;
};
function inner(value: A | null): number {
  return (value as A).a;
}
export async function handleEvent(context: unknown, helpers: unknown): Promise<number> {
  await Promise.resolve();
  return inner(null);
}`;
    const { result, stderr } = await run(code);
    expect(result).toMatchObject({ outcome: 'failed', reason: 'raised', error: { type: 'TypeError' } });
    const message = "TypeError: Cannot read properties of null (reading 'a')";
    expect(stderr).toBe(`${message}\n    at inner (handler.ts:5:23)\n    at handleEvent (handler.ts:9:10)\n`);
  });

  test('shows what caused an error, and what is thrown that is none', async () => {
    const caused = await run(body("throw new Error('outer', { cause: new RangeError('inner') })"));
    expect(caused.stderr).toContain('Error: outer\n    at handleEvent (handler.ts:2:7)\nCaused by: RangeError: inner');
    const thrown = await run(body('throw { code: 7 }'));
    expect(thrown.result).toMatchObject({ reason: 'raised', error: { type: 'Thrown', message: '{"code":7}' } });
  });

  test.each([
    ['a syntax error', 'const a = ;\nexport function handleEvent() {}', 'Expression expected (line 1, column 11)'],
    ['an error of modules', 'let a = 1;\nlet a = 2;', "Identifier 'a' has already been declared (line 2, column 5)"],
    ['an enum', 'const x = 1;\n  enum A { B }', 'an enum: write a const object'],
    ['an import', "import fs from 'node:fs';", 'handlers are one file, and there is nothing to import'],
    ['a dynamic import', body("await import('node:fs')"), '(line 2, column 7)'],
    ['nesting without end', `const a = ${'['.repeat(100_000)}`, 'nested too deeply'],
  ])('names %s with its place', async (_, code, message) => {
    const { result, stderr } = await run(code);
    expect(result).toMatchObject({ outcome: 'failed', reason: 'syntax_error', error: { type: 'SyntaxError' } });
    expect(result).toHaveProperty('error.message', expect.stringContaining(message));
    expect(stderr).toContain('SyntaxError: ');
  });

  test.each([
    ['no function of the name', 'export function handle_event() {}', 'exports no function named handleEvent'],
    ['one that is not exported', 'function handleEvent() {}', 'does not export its function handleEvent'],
    ['something else of the name', 'export const handleEvent = 1;', 'not a function as handleEvent'],
  ])('says when there is %s', async (_, code, message) => {
    const { result } = await run(code);
    expect(result).toMatchObject({ outcome: 'failed', reason: 'no_entry_point' });
    expect(result).toHaveProperty('error.message', expect.stringContaining(message));
  });

  test.each([
    [
      'a Date',
      '({ at: new Date(0), none: undefined, list: [undefined, null] })',
      { at: '1970-01-01T00:00:00.000Z', list: [null, null] },
    ],
    ['toJSON', '({ toJSON: () => [1] })', [1]],
    ['a key __proto__', 'JSON.parse(\'{"__proto__": 1}\')', JSON.parse('{"__proto__": 1}')],
    ['half a surrogate pair', '"\\ud800"', '\ufffd'],
  ])('returns %s as JSON does', async (_, value, expected) => {
    expect((await run(body(`return ${value};`))).result).toMatchObject({ outcome: 'succeeded', result: expected });
  });

  test.each([
    ['a BigInt', '({ list: [1n] })', 'result.list[0] is of type bigint'],
    ['NaN', '({ "a b": NaN })', 'result["a b"] is NaN'],
    ['a function', '({ f() {} })', 'result.f is of type function'],
    ['a symbol', 'Symbol("a")', 'result is of type symbol'],
    ['a cycle', '(() => { const a = { b: [] }; a.b.push(a); return a; })()', 'result.b[0] contains itself'],
    ['a Map', 'new Map()', 'result is of type Map, which JSON cannot hold (use Object.fromEntries())'],
    [
      'a promise inside',
      '({ p: Promise.resolve() })',
      'result.p is of type Promise, which JSON cannot hold (await it)',
    ],
    ['bytes', 'new Uint8Array(1)', 'result holds bytes'],
    [
      'nesting without end',
      '(() => { let a = []; for (let i = 0; i < 100000; i += 1) a = [a]; return a; })()',
      'nested too deeply',
    ],
  ])('refuses %s and names where it is', async (_, value, message) => {
    const { result } = await run(body(`return ${value};`));
    expect(result).toMatchObject({ outcome: 'failed', reason: 'not_json' });
    expect(result).toHaveProperty('error.message', expect.stringContaining(message));
  });

  test.each([
    ['an unhandled rejection', "Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1_000));"],
    ['one at the end', "Promise.reject(new Error('lost')); return 1;"],
    [
      'an error in a timer',
      "setTimeout(() => { throw new Error('lost'); }); await new Promise((r) => setTimeout(r, 1_000));",
    ],
  ])('fails by %s', async (_, text) => {
    const { result, stderr } = await run(body(text));
    expect(result).toMatchObject({ outcome: 'failed', reason: 'raised', error: { message: 'lost' } });
    expect(stderr).toMatch(/Error: lost\n {4}at .*handler\.ts:2:/);
  });

  test('fails by one at the end each time, however the event loop happens to turn', async () => {
    for (let round = 0; round < 10; round += 1) {
      const three = [1, 2, 3].map(() => run(body("Promise.reject(new Error('lost')); return 1;")));
      for (const { result } of await Promise.all(three)) expect(result).toMatchObject({ outcome: 'failed' });
    }
  });

  test.each(['Deno.exit(3)', 'process.exit(3)', 'close()'])('fails as having left by %s', async (text) => {
    const { result } = await run(body(`${text}; return 1;`));
    expect(result).toMatchObject({ outcome: 'failed', reason: 'exited' });
  });

  test.each([
    ['Deno', "Deno.readTextFileSync('/etc/passwd')"],
    ['process', 'process.env.HOME'],
    ['Worker', "new Worker('data:,')"],
    ['WebSocket', "new WebSocket('ws://localhost')"],
    ['localStorage', "localStorage.setItem('a', 'b')"],
  ])('says that there is no %s', async (name, text) => {
    const { result } = await run(body(`return ${text};`));
    expect(result).toMatchObject({ outcome: 'failed', reason: 'raised' });
    expect(result).toHaveProperty('error.message', expect.stringContaining(`${name} is not available in handlers.`));
  });

  test('ends when it returns, whatever timers and listeners it leaves', async () => {
    const { result } = await run(
      body('setInterval(() => console.log(1), 60_000); setTimeout(() => {}, 60_000); return 1;'),
    );
    expect(result).toMatchObject({ outcome: 'succeeded', result: 1 });
    expect(result.runMs).toBeLessThan(5_000);
  });

  test('has UTC, timers, and random numbers of its seed only', async () => {
    const text =
      'await new Promise((r) => setTimeout(r, 5)); return [new Date(0).getTimezoneOffset(), Math.random(), crypto.randomUUID()];';
    const [first, again, other] = await Promise.all(
      ['a', 'a', 'b'].map((randomSeed) => run(body(text), { randomSeed })),
    );
    const of = (outcome: typeof first) => (outcome?.result.outcome === 'succeeded' ? outcome.result.result : null);
    expect(of(first)).toEqual([0, expect.any(Number), expect.any(String)]);
    expect(of(again)).toEqual([
      0,
      (of(first) as unknown[])[1],
      expect.not.stringMatching((of(first) as string[])[2] ?? ''),
    ]);
    expect((of(other) as unknown[])[1]).not.toBe((of(first) as unknown[])[1]);
  });

  test('leaves nothing behind for the next', async () => {
    await run(body('globalThis.kept = 1; Array.prototype.kept = 2; return 1;'));
    expect((await run(body('return [typeof kept, typeof [].kept];'))).result).toMatchObject({
      result: ['undefined', 'undefined'],
    });
  });

  test('keeps its analytics events, and says what is wrong with one', async () => {
    const text =
      "await helpers.registerEvent({ key: 'a' }); await helpers.registerEvent({ key: 'b', value: NaN }); return 1;";
    const { result } = await run(body(text));
    expect(result).toMatchObject({
      outcome: 'succeeded',
      events: [
        { event: { key: 'a' }, fault: null },
        { event: { key: 'b' }, fault: 'event.value is NaN, which JSON cannot hold.' },
      ],
    });
    const many = await run(body('for (let i = 0; i < 11; i += 1) await helpers.registerEvent({ i });'));
    expect(many.result).toMatchObject({
      outcome: 'failed',
      reason: 'limit_exceeded',
      error: { type: 'TooManyEvents' },
    });
  });
});

test('refuses handlers in TypeScript where there is no Deno, and runs those in Python', async () => {
  const without = await openSandbox(undefined, '/nonexistent/deno');
  try {
    const { result } = await runHandler(without, body('return 1'), { language: 'typescript' });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'refused' });
    expect(result).toHaveProperty(
      'error.message',
      expect.stringMatching(/^TypeScript handlers are not run.*AFTERWORD_DENO/),
    );
    const python = await runHandler(without, 'def handle_event(context): return 1');
    expect(python.result).toMatchObject({ outcome: 'succeeded' });
  } finally {
    await without.close();
  }
});
