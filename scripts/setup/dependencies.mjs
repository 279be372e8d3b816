import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { SetupError, step } from './progress.mjs';
import { lastLines, run } from './run.mjs';

const declared = /** @type {const} */ (['dependencies', 'devDependencies', 'optionalDependencies']);

export async function ensureDependencies() {
  if (areInstalled()) return false;
  await withLock(`the dependencies of ${root}`, async () => {
    if (areInstalled()) return;
    const mismatch = packageJsonMismatch();
    if (mismatch) {
      throw new SetupError(
        `package.json and package-lock.json disagree about ${mismatch}.\n  Run \`npm install\` to bring them together.`,
      );
    }
    await step('Dependencies (npm ci)', async () => {
      const { ok, output } = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        cwd: root,
        env: withoutOwnBinaries(),
      });
      if (!ok) {
        throw new SetupError(
          `Dependencies could not be installed. \`npm ci\` said:\n${lastLines(output)}\n` +
            '  Is the npm registry reachable from here? Try `npm ping`.',
        );
      }
    });
  });
  return true;
}

/**
 * npm writes node_modules/.package-lock.json when an installation is complete; it is compared with our lock file,
 * so an `npm install` by hand or an interrupted one are judged rightly.
 */
function areInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden) || packageJsonMismatch()) return false;
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const present = packagesOf(hidden);
  const missing = Object.entries(wanted).some(
    ([path, { version, optional }]) =>
      path !== '' && (path in present ? present[path]?.version !== version : optional !== true),
  );
  return !missing && Object.keys(present).every((path) => path in wanted);
}

/** @param {string} file @returns {import('./lockfile.mjs').LockedPackages} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

function packageJsonMismatch() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const locked = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages[''];
  for (const kind of declared) {
    for (const name of new Set([...Object.keys(manifest[kind] ?? {}), ...Object.keys(locked[kind] ?? {})])) {
      if (manifest[kind]?.[name] !== locked[kind]?.[name]) return name;
    }
  }
  return undefined;
}

/** `npm ci` deletes node_modules: it must not itself run on the Node that lies there. */
function withoutOwnBinaries() {
  const own = join(root, 'node_modules');
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(own));
  return { ...process.env, PATH: path.join(delimiter) };
}
