import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { goInstall, withGo } from './go.mjs';
import { withLock } from './lock.mjs';
import { cacheDir } from './paths.mjs';
import { SetupError, step } from './progress.mjs';
import { run } from './run.mjs';

/** The one that the development server of the Temporal CLI carries. */
const version = '1.29.1';
const module = 'go.temporal.io/server';

/**
 * The real Temporal server, for the tests and the bench that run it on PostgreSQL: `server`, `sql` (its schema tool) and
 * `schema/` (for PostgreSQL).
 */
export const temporalServerFolder = join(cacheDir, `temporal-server-${version}`);

/** @returns {Promise<boolean>} whether it was made now */
export async function ensureTemporalServer() {
  if (existsSync(temporalServerFolder)) return false;
  return withLock('the Temporal server', async () => {
    if (existsSync(temporalServerFolder)) return false;
    await step(`Temporal server ${version} for the tests (once per machine)`, make);
    return true;
  });
}

/** @param {(detail: string) => void} note */
async function make(note) {
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, '.making-temporal-server-'));
  try {
    const made = await withGo(work, async (go) => {
      note('compiling it with Go, 2 to 5 minutes');
      return makeWith(go, join(work, 'made'));
    });
    if (!made.ok) {
      throw new SetupError(
        `The Temporal server ${version} could not be compiled. Tried with the Go of this machine and one from PyPI:\n` +
          `${made.output}\n  What to do: install Go, let it reach its module proxy, and run this again.`,
      );
    }
    await rename(join(work, 'made'), temporalServerFolder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * @param {import('./go.mjs').Go} found
 * @param {string} folder
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
async function makeWith(found, folder) {
  const packages = ['server', 'tools/sql'].map((command) => `${module}/cmd/${command}@v${version}`);
  const installed = await goInstall(found, folder, packages);
  if (!installed.ok) return installed;
  const cache = await run(found.go, ['env', 'GOMODCACHE'], { env: found.env });
  if (!cache.ok) return cache;
  const schema = join(cache.output, `${module}@v${version}`, 'schema', 'postgresql', 'v12');
  await cp(schema, join(folder, 'schema'), { recursive: true });
  // Go's module cache is read-only, also for whoever wants to remove the copy.
  await chmod(join(folder, 'schema'), 0o755);
  return { ok: true, output: '' };
}
