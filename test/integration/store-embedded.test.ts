import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { openStore, type Store } from '../../src/store/database.ts';
import { takeLock } from '../../src/store/embedded-lock.ts';
import { migrate } from '../../src/store/migrate.ts';
import { copyEmbeddedStore } from '../setup/embedded-stores.ts';
import { closed, errorOf, temporaryFolder } from './store-engines.ts';

/** The first start of PGlite computes for two seconds; on a busy machine that is long. */
const slowStartMs = 120_000;

let folder: string;
/** One for all tests that open a store. */
let storeFolder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  storeFolder = await temporaryFolder();
  await copyEmbeddedStore(storeFolder);
});
afterAll(() => rm(storeFolder, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  await rm(folder, { recursive: true, force: true });
});

function start(program: string, argument: string) {
  const path = fileURLToPath(new URL(`programs/${program}`, import.meta.url));
  const child = spawn(process.execPath, [path, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const next = await lines.next();
  if (next.done === true) throw new Error('The program ended.');
  return next.value;
}

async function eventIds(store: Store): Promise<string[]> {
  const rows = await store.db
    .selectFrom('conversation_events')
    .select('id')
    .where('organization_id', '=', 'example')
    .execute();
  return rows.map((row) => row.id);
}

test(
  'keeps what it acknowledged through kill -9, and refuses a second process until then',
  async () => {
    const { child, lines } = start('accept-events.ts', storeFolder);
    const acknowledged: string[] = [];
    while (acknowledged.length < 50) acknowledged.push(await nextLine(lines));

    const refused = await errorOf(openStore({ embeddedFolder: storeFolder }));
    expect(refused.code).toBe('store_locked');
    expect(refused.message).toContain(`pid ${child.pid ?? ''}`);
    expect(refused.message).toContain(storeFolder);
    expect(refused.message).toContain('DATABASE_URL');
    acknowledged.push(await nextLine(lines));

    await kill(child);
    for await (const line of { [Symbol.asyncIterator]: () => lines }) acknowledged.push(line);
    const store = await openStore({ embeddedFolder: storeFolder });
    try {
      expect(await migrate(store)).toEqual([]);
      expect(await eventIds(store)).toEqual(expect.arrayContaining(acknowledged));
      expect((await acceptEvent(store.db, 'example', closed())).duplicate).toBe(false);
    } finally {
      await store.close();
    }
  },
  slowStartMs,
);

test(
  'gives the folder free when it is closed, also one never used',
  async () => {
    for (let n = 0; n < 2; n++) {
      const store = await openStore({ embeddedFolder: storeFolder });
      const again = await errorOf(openStore({ embeddedFolder: storeFolder }));
      expect(again.message).toContain(`This process (pid ${process.pid}`);
      await store.close();
      await store.close();
    }
  },
  slowStartMs,
);

test('one of six processes takes over a dead one’s lock', async () => {
  const path = join(folder, 'lock');
  const dead = start('take-lock.ts', path);
  expect(await nextLine(dead.lines)).toBe('taken');
  await kill(dead.child);

  const heirs = Array.from({ length: 6 }, () => start('take-lock.ts', path));
  const answers = await Promise.all(heirs.map(({ lines }) => nextLine(lines)));
  expect(answers.toSorted()).toEqual([...Array<string>(5).fill('store_locked'), 'taken']);
  expect(await readdir(folder)).toEqual(['lock']);
});

test('does not take another program that got the dead one’s pid for the owner', async () => {
  const path = join(folder, 'lock');
  const owner = { token: '00000000-0000-4000-8000-000000000000', pid: process.pid, since: '2026-01-02T03:04:05Z' };
  await writeFile(path, JSON.stringify({ ...owner, startTicks: '1' }));
  takeLock(path, folder)();
  expect(await readdir(folder)).toEqual([]);
});
