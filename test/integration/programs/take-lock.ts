/** Tries to take the lock file given, says how that went, and stays until its input ends. */
import { AfterwordError } from '../../../src/domain/errors.ts';
import { takeLock } from '../../../src/store/embedded-lock.ts';

const [, , path = ''] = process.argv;
try {
  takeLock(path, 'a folder');
  process.stdout.write('taken\n');
} catch (error) {
  process.stdout.write(error instanceof AfterwordError ? `${error.code}\n` : `${String(error)}\n`);
}
process.stdin.resume();
