import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../../../src/sandbox/create-sandbox.ts';
import { probeDeno } from '../../../../src/sandbox/deno.ts';
import { openSandbox, runHandler } from '../../running.ts';
import { codeOf, type Attacks } from '../attacks.ts';
import { stateOf } from '../folder-state.ts';
import { Neighbour, tellNext } from '../neighbour.ts';
import { deno, files, world } from './attacks.ts';

const tables: Record<string, Attacks> = { 'Deno’s own rights': deno, files, 'the world': world };
const secret = 'a secret of the worker';
const canary = 'AFTERWORD_TEST_CANARY';
const attackJs = readFileSync(join(import.meta.dirname, 'attack.js'), 'utf8');

let executable = '';
let sandbox: HandlerSandbox;
let neighbour: Neighbour;
let atFirst: unknown;
let folder = '';
let servers: Server[];
/** Connections from the cage and from outside of it come to different servers. */
let reached = 0;

/** With a secret in it, a link to it, and a server. */
function makeFolder(name: string): string {
  const own = join(folder, name);
  mkdirSync(own);
  writeFileSync(join(own, 'secret'), secret);
  writeFileSync(join(own, 'secret.json'), JSON.stringify({ secret }));
  symlinkSync('secret', join(own, 'link'));
  return own;
}

const contextOf = (own: string, web: Server | undefined) => ({
  folder: own,
  file: join(own, 'secret'),
  link: join(own, 'link'),
  server: `${folder}/server`,
  port: (web?.address() as AddressInfo).port,
  worker: process.pid,
  deno: executable,
  machine: hostname(),
  secret,
});

/** Whether it answered what it was to get, or changed its folder. */
async function getsThroughOutside(attack: string, own: string): Promise<boolean> {
  const before = stateOf(own);
  const args = ['run', '--quiet', '--allow-all', '--no-prompt', '--no-config', join(import.meta.dirname, 'outside.js')];
  const context = JSON.stringify(contextOf(own, servers[0]));
  const env = { PATH: process.env.PATH, [canary]: secret, DENO_DIR: join(folder, 'deno'), NO_COLOR: '1' };
  const { stdout } = await promisify(execFile)(executable, [...args, `${attackJs}\n${attack}`, context], { env });
  return stdout.trim() === 'through' || !isDeepStrictEqual(stateOf(own), before);
}

async function tryInside(attack: string, own: string) {
  const code = `export async function handleEvent(context: any) {
    ${attackJs}
    const attack = async () => { ${attack} };
    try {
      const got = await attack();
      return got === true || (typeof got === 'string' && got.includes(context.secret)) ? 'through' : 'contained: it got nothing';
    } catch (error) {
      return 'contained: ' + String(error?.message ?? error);
    }
  }`;
  const context = { ...contextOf(own, servers[1]), caged: true };
  return (await runHandler(sandbox, code, { language: 'typescript', context })).result;
}

beforeAll(async () => {
  process.env[canary] = secret;
  ({ executable } = (await probeDeno(null)) as { executable: string });
  folder = mkdtempSync(join(tmpdir(), 'afterword-escapes-'));
  const outside = createHttpServer((_, response) => response.end(secret));
  const inside = createServer((socket) => {
    reached += 1;
    socket.destroy();
  });
  const unix = createServer((socket) => socket.destroy());
  servers = [outside, inside, unix];
  const addresses = [{ port: 0, host: '127.0.0.1' }, { port: 0, host: '127.0.0.1' }, join(folder, 'server')];
  await Promise.all(
    servers.map((server, index) => new Promise<void>((resolve) => server.listen(addresses[index], resolve))),
  );
  sandbox = await openSandbox();
  neighbour = new Neighbour(sandbox, 'typescript');
  atFirst = await neighbour.told();
});

afterAll(async () => {
  Reflect.deleteProperty(process.env, canary);
  await sandbox.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

const all = Object.entries(tables).flatMap(([what, attacks]) =>
  Object.entries(attacks).map(([how, attack]) => ({ what, how, attack })),
);

describe('a handler in TypeScript', () => {
  it.each(all)('does not get through to $what by $how', async ({ what, how, attack }) => {
    const name = `${what} ${how}`.replaceAll(/\W/g, '-');
    const own = makeFolder(name);
    const before = stateOf(own);
    const shown = typeof attack === 'string' && getsThroughOutside(attack, makeFolder(`${name}-outside`));
    const result = await tryInside(codeOf(attack), own);
    if (result.outcome === 'succeeded') expect(result.result).toMatch(/^contained: ./);
    else expect(result).toMatchObject({ outcome: 'failed', reason: 'raised' });
    expect(stateOf(own)).toEqual(before);
    expect(reached).toBe(0);
    expect(await neighbour.ask()).toEqual(atFirst);
    expect(await tellNext(sandbox, 'typescript')).toEqual(atFirst);
    expect(await shown).toBe(typeof attack === 'string');
  });

  it('leaves its neighbour to its work', async () => {
    expect(await neighbour.end()).toEqual(expect.any(Number));
  });
});
