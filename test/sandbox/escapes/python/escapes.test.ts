import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { HandlerSandbox } from '../../../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler } from '../../running.ts';
import { codeOf, shown, type Attacks } from '../attacks.ts';
import { stateOf } from '../folder-state.ts';
import { Neighbour, tellNext } from '../neighbour.ts';
import { reading, writing } from './files.ts';
import { deadly, kernel, resources } from './kernel.ts';
import { network } from './network.ts';
import { processes } from './processes.ts';

const tables: Record<string, Attacks> = {
  'what it may not read': reading,
  'what it may not write': writing,
  'the network': network,
  'other processes': processes,
  'rarely used parts of the kernel': { ...kernel, ...deadly },
  'more than its share': resources,
};
const attackPy = readFileSync(join(import.meta.dirname, 'attack.py'), 'utf8');

/** What each attack comes to where there is no cage. */
const Outside = z.record(z.string(), z.record(z.string(), z.string()));
let outside: z.infer<typeof Outside>;
let sandbox: HandlerSandbox;
let neighbour: Neighbour;
let atFirst: unknown;
let sibling: number;
let folder: string;
let servers: Server[];
let reached = 0;

beforeAll(async () => {
  const all = Object.values(tables).map(shown);
  const input = JSON.stringify(Object.assign({}, ...all));
  const python = process.env.AFTERWORD_PYTHON ?? 'python3';
  const { stdout, stderr } = spawnSync(python, ['-B', join(import.meta.dirname, 'outside.py')], {
    input,
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  outside = Outside.parse(JSON.parse(stdout));

  folder = mkdtempSync(join(tmpdir(), 'afterword-escapes-'));
  mkdirSync(join(folder, 'own'));
  writeFileSync(join(folder, 'own', 'secret'), 'a secret of the worker');
  symlinkSync('secret', join(folder, 'own', 'link'));
  const addresses = [join(folder, 'own', 'server'), `\0${folder}`, { port: 0, host: '127.0.0.1' }];
  servers = await Promise.all(
    addresses.map(async (address) => {
      const server = createServer((socket) => {
        reached += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(address, resolve));
      return server;
    }),
  );
  sandbox = await openSandbox();
  const own =
    'import os\ndef handle_event(context):\n    print(os.getpid())\n    add_conversation_tag(context, "wait")';
  const waiting = Promise.withResolvers<number>();
  void runHandler(sandbox, own, {
    limits: { wallMs: 10 * 60_000 },
    onLog: (_stream, text) => Number(text) && waiting.resolve(Number(text)),
    answer: () => new Promise(() => undefined),
  }).catch(() => undefined);
  sibling = await waiting.promise;
  neighbour = new Neighbour(sandbox, 'python');
  atFirst = await neighbour.told();
});

afterAll(async () => {
  await sandbox.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

describe.each(Object.entries(tables))('a handler in Python that goes for %s', (_, attacks) => {
  it.each(Object.entries(attacks))('does not get through by %s', async (name, attack) => {
    const before = stateOf(join(folder, 'own'));
    const address = servers[2]?.address();
    const context = {
      folder: join(folder, 'own'),
      file: join(folder, 'own', 'secret'),
      link: join(folder, 'own', 'link'),
      server: join(folder, 'own', 'server'),
      abstract: folder,
      port: typeof address === 'object' ? address?.port : undefined,
      worker: process.pid,
      sibling,
    };
    const code = `${attackPy}\ndef handle_event(context):\n    return outcome_of(lambda context: ${codeOf(attack)}, context)`;
    const { result } = await runHandler(sandbox, code, { context });
    expect(result).toMatchObject(
      name in deadly
        ? { outcome: 'failed', reason: 'crashed', error: { message: expect.stringContaining('was ended by SIG') } }
        : { outcome: 'succeeded', result: { contained: expect.stringMatching(/^E(PERM|ACCES|NOSYS|MFILE|NOMEM)$/) } },
    );
    expect(stateOf(join(folder, 'own'))).toEqual(before);
    expect(reached).toBe(0);
    expect(await neighbour.ask()).toEqual(atFirst);
    expect(await tellNext(sandbox, 'python')).toEqual(atFirst);
    if (typeof attack === 'string') expect(outside[name]).toHaveProperty('through');
  });
});

it('leaves its neighbour to its work', async () => {
  expect(await neighbour.end()).toEqual(expect.any(Number));
  expect(() => process.kill(sibling, 0)).not.toThrow();
});
