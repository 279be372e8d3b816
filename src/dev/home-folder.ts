import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AfterwordError } from '../domain/errors.ts';
import { takeLock } from '../store/embedded-lock.ts';

/**
 * Makes the state folder, for this user alone, and takes it for this process. Returns the release. Throws
 * `store_locked` naming the process that has it, `bad_configuration` where the folder cannot be used.
 */
export function takeHome(home: string): () => void {
  try {
    const isNew = mkdirSync(home, { recursive: true, mode: 0o700 }) !== undefined;
    if (isNew) chmodSync(home, 0o700);
    if (!statSync(home).isDirectory()) throw new Error('it is not a folder');
    return takeLock(join(home, 'lock'), home);
  } catch (error) {
    if (error instanceof AfterwordError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AfterwordError('bad_configuration', `AFTERWORD_HOME: ${home} cannot be used: ${reason}.`, {
      cause: error,
    });
  }
}
