import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';

const Owner = z.object({
  /** Tells this taking of the lock from every other one. */
  token: z.uuid(),
  pid: z.number().int(),
  /** Ticks from boot to the process's start, from /proc: a pid may be used again. Null where there is no /proc. */
  startTicks: z.string().nullable(),
  since: z.string(),
});
type Owner = z.infer<typeof Owner>;

/**
 * Takes the lock file at `path` for this process, or throws AfterwordError `store_locked` naming who has it. A lock
 * whose process is gone is taken over, so a kill -9 leaves nothing to clean up. Returns the release.
 *
 * The file appears at once with its content (a hard link to a finished file). Only one process may replace a given
 * dead owner's file: the one that holds the lock `<path>.<that owner's token>`, itself such a lock.
 */
export function takeLock(path: string, folder: string): () => void {
  const owner: Owner = {
    token: randomUUID(),
    pid: process.pid,
    startTicks: startTicksOf(process.pid),
    since: new Date().toISOString(),
  };
  const draft = `${path}.${owner.token}.draft`;
  writeFileSync(draft, JSON.stringify(owner), { flag: 'wx' });
  try {
    take(path, draft, owner, folder);
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (readOwner(path)?.token === owner.token) rmSync(path, { force: true });
  };
}

function take(path: string, draft: string, owner: Owner, folder: string): void {
  for (;;) {
    if (linked(draft, path)) return;
    const present = readOwner(path);
    if (present === undefined) continue;
    if (isAlive(present)) throw lockedBy(present, folder);
    const takeover = `${path}.${present.token}`;
    take(takeover, draft, owner, folder);
    // Another process may have taken over before this one got the right to.
    const stillDead = readOwner(path)?.token === present.token;
    if (stillDead) {
      const copy = `${draft}.copy`;
      linkSync(draft, copy);
      renameSync(copy, path);
    }
    rmSync(takeover, { force: true });
    if (stillDead) return;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    return Owner.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw new AfterwordError('store_locked', `The lock file ${path} cannot be read; remove it if no Afterword runs.`, {
      cause: error,
    });
  }
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    // EPERM: it lives, as another user.
    if (isCode(error, 'ESRCH')) return false;
  }
  const ticks = startTicksOf(owner.pid);
  return ticks === null || owner.startTicks === null || ticks === owner.startTicks;
}

/** Field 22 of /proc/<pid>/stat; the command in field 2 may hold spaces and brackets. */
function startTicksOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const afterCommand = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return afterCommand[19] ?? null;
  } catch {
    return null;
  }
}

function lockedBy(owner: Owner, folder: string): AfterwordError {
  const who = owner.pid === process.pid ? 'This process' : 'Another process';
  return new AfterwordError(
    'store_locked',
    `${who} (pid ${String(owner.pid)}, since ${owner.since}) owns the embedded store in ${folder}. Stop it, set ` +
      'AFTERWORD_HOME to another folder, or set DATABASE_URL to a PostgreSQL that many processes can share.',
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
