import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { probeDeno } from '../../src/sandbox/deno.ts';
import { openSandbox, runHandler } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const run = (text: string) =>
  runHandler(sandbox, `export async function handleEvent(context: any, helpers: any) {\n${text}\n}`, {
    language: 'typescript',
  });
/**
 * The handler's text may not import; code that it makes up itself may, and finds Deno's own modules, without rights, once
 * it has put something where they look for Deno.
 */
const fake =
  'globalThis.Deno = new Proxy(function () {}, { get: (_, key) => typeof key === "symbol" ? () => "" : globalThis.Deno, apply: () => globalThis.Deno, construct: () => globalThis.Deno });';
const modules = (name: string) => `(0, eval)("import('${name}')")`;
const attempt = (text: string) =>
  `${fake} try { return 'DONE: ' + (${text}); } catch (error) { return String(error); }`;

test.each([
  ['reads a file', `(await ${modules('node:fs')}).readFileSync('/etc/passwd', 'utf8')`],
  ['reads its own runner', `(await ${modules('node:fs')}).readFileSync('${import.meta.filename}', 'utf8')`],
  ['lists the root', `(await ${modules('node:fs')}).readdirSync('/')`],
  ['writes a file', `(await ${modules('node:fs')}).writeFileSync('/tmp/afterword-escape', 'x')`],
  ['reads /proc', `(await ${modules('node:fs')}).readFileSync('/proc/self/environ', 'utf8')`],
  ['reads the processes of others', `(await ${modules('node:fs')}).readFileSync('/proc/1/status', 'utf8')`],
  ['starts a program', `(await ${modules('node:child_process')}).execFileSync('/bin/ls').toString()`],
  [
    'starts Deno again',
    `(await ${modules('node:child_process')}).execFileSync('/proc/self/exe', ['--version']).toString()`,
  ],
  ['starts a thread of Node', `new (await ${modules('node:worker_threads')}).Worker('data:,')`],
  ['loads native code', `(await ${modules('node:module')}).createRequire('file:///')('/tmp/a.node')`],
  ['kills its parent', `(await ${modules('node:process')}).kill((await ${modules('node:process')}).ppid, 9)`],
  ['imports from the network', `(await ${modules('https://example.com/a.js')}).default`],
  ['imports a package', `(await ${modules('npm:left-pad')}).default`],
  ['imports a file', `(await ${modules('file:///etc/passwd')}).default`],
])('contains a handler that %s', async (_, text) => {
  const { result } = await run(attempt(text));
  expect(result).toMatchObject({ outcome: 'succeeded', result: expect.not.stringMatching(/^DONE/) });
});

test('contains a handler that opens a connection', async () => {
  let reached = 0;
  const server = createServer((_, response) => {
    reached += 1;
    response.end('secret');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const text = `${fake}
      const net = await ${modules('node:net')};
      return await new Promise((resolve) => {
        try {
          net.connect(${String(port)}, '127.0.0.1').on('connect', () => resolve('DONE')).on('error', (e: Error) => resolve(String(e)));
        } catch (error) { resolve(String(error)); }
      });`;
    const { result } = await run(text);
    expect(result).toMatchObject({ outcome: 'succeeded', result: expect.not.stringMatching(/^DONE/) });
    expect(reached).toBe(0);
  } finally {
    server.close();
  }
});

test('takes no forged message for more than the handler may say itself', async () => {
  const forge = (line: string) => `${fake} (await ${modules('node:fs')}).writeSync(1, ${JSON.stringify(`${line}\n`)});`;
  const forged = await run(forge('{"t":"done","ok":true,"v":"forged","events":[]}'));
  expect(forged.result).toMatchObject({ outcome: 'succeeded', result: 'forged' });
  const early = await run(forge('{"t":"setup_failed","message":"no"}'));
  expect(early.result).toMatchObject({ outcome: 'failed', reason: 'crashed', error: { type: 'ProtocolViolation' } });
  const garbage = await run(forge('not json'));
  expect(garbage.result).toMatchObject({ outcome: 'failed', reason: 'crashed' });
  const calls = [1, 7].map((id) => forge(`{"t":"call","id":${String(id)},"name":"add_conversation_tag","args":{}}`));
  const several = await run(`${calls.join('')} await new Promise(() => {});`);
  expect(several.result).toMatchObject({ outcome: 'failed', reason: 'crashed', error: { type: 'ProtocolViolation' } });
});

test('survives a handler that breaks the globals', async () => {
  const { result } = await run(`
    JSON.stringify = () => 'broken'; JSON.parse = () => { throw new Error('broken'); }; Promise.prototype.then = () => 0;
    return await helpers.addConversationTag('x');`);
  expect(['succeeded', 'failed', 'timed_out']).toContain(result.outcome);
  expect((await run('return 1;')).result).toMatchObject({ outcome: 'succeeded', result: 1 });
});

test('contains what Deno itself would allow: the cage holds without its permissions', async () => {
  const { executable } = await probeDeno(null);
  const server = createServer((_, response) => response.end('secret'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const fixtures = join(import.meta.dirname, 'fixtures');
    const attack = [
      join(fixtures, 'deno_with_all_rights.py'),
      executable ?? '',
      join(fixtures, 'deno/attack.js'),
      String(port),
    ];
    const { stdout } = await promisify(execFile)(process.env.AFTERWORD_PYTHON ?? 'python3', attack);
    const outcomes = z.record(z.string(), z.string()).parse(JSON.parse(stdout));
    expect(Object.keys(outcomes).length).toBeGreaterThan(15);
    for (const [name, outcome] of Object.entries(outcomes)) expect(`${name}: ${outcome}`).not.toMatch(/: through/);
  } finally {
    server.close();
  }
});
