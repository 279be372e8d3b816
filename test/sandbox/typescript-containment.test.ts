import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('what Deno itself would allow', () => {
  const fixtures = join(import.meta.dirname, 'fixtures');
  const attack = join(fixtures, 'deno/attack.js');
  let executable = '';
  let folder = '';
  let port = '';
  const server = createServer((_, response) => response.end('secret'));
  const unixServer = createServer();
  const outcomesOf = (stdout: string) => Object.entries(z.record(z.string(), z.string()).parse(JSON.parse(stdout)));

  beforeAll(async () => {
    executable = (await probeDeno(null)).executable ?? '';
    folder = mkdtempSync(join(tmpdir(), 'afterword-deno-'));
    writeFileSync(join(folder, 'secret'), 'a secret of the worker');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await new Promise<void>((resolve) => unixServer.listen(join(folder, 'server'), resolve));
    port = String((server.address() as AddressInfo).port);
  });
  afterAll(() => {
    server.close();
    unixServer.close();
    rmSync(folder, { recursive: true });
  });

  test('is contained: the cage holds without its permissions', async () => {
    const args = [join(fixtures, 'deno_with_all_rights.py'), executable, attack, port, folder];
    const { stdout } = await promisify(execFile)(process.env.AFTERWORD_PYTHON ?? 'python3', args);
    const outcomes = outcomesOf(stdout);
    expect(outcomes.length).toBeGreaterThan(35);
    for (const [name, outcome] of outcomes) expect(`${name}: ${outcome}`).not.toMatch(/: through/);
    expect(readdirSync(folder).sort()).toEqual(['secret', 'server']);
  });

  test('gets through where there is no cage', async () => {
    const victim = spawn('sleep', ['60']);
    const deno = spawn(executable, ['run', '--quiet', '--allow-all', '--no-config', attack], {
      env: { DENO_DIR: join(folder, 'deno'), NO_COLOR: '1', LANG: 'C.UTF-8' },
    });
    deno.stdin.end(`${JSON.stringify({ port: Number(port), worker: victim.pid, folder, outside: true })}\n`);
    const outcomes = outcomesOf(await text(deno.stdout));
    expect(outcomes.length).toBeGreaterThan(25);
    for (const [name, outcome] of outcomes) expect(`${name}: ${outcome}`).toMatch(/: through/);
    victim.kill('SIGKILL');
  });
});
