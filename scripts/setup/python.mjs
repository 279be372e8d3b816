import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { cacheDir, requirementsFile } from './paths.mjs';
import { SetupError, say, step } from './progress.mjs';
import { lastLines, run } from './run.mjs';

/** @typedef {{ path: string, version: string }} Python `path` is the interpreter itself, not a shim */
/**
 * `requirements` is a file; `imports` shows that they are there; `onlyListed`: nothing besides, whatever the packages say they need.
 *
 * @typedef {{ what: string, requirements: string, imports: string, onlyListed?: boolean | undefined }} Packages
 */

/** @type {Packages} */
const handlersPackages = {
  what: 'handlers in Python',
  requirements: requirementsFile,
  imports: 'requests, tzdata, weni',
};

const describe = `
import platform, sys
print(platform.python_implementation(), *sys.version_info[:3], sys.executable)
`;

/**
 * The Python that handlers run with: an environment of our own, holding their packages and no pip.
 *
 * @returns {Promise<string | null>} path of its interpreter; null when handlers in Python cannot be run here
 */
export async function findHandlerPython() {
  const pythons = await findPythons();
  if (pythons.length === 0) {
    say('No CPython 3.10 or newer found (tried AFTERWORD_PYTHON, python3.13 to python3.10, python3).');
    say('  Handlers in Python will be refused. Install Python and run `npm run setup` again.');
    return null;
  }
  const failures = [];
  for (const python of pythons) {
    const made = await environmentFor(python, handlersPackages);
    if (made.ok) return made.path;
    failures.push(`  - ${python.path} (${python.version}):\n${lastLines(made.output, 4)}`);
  }
  say(`The packages for handlers in Python could not be installed. Tried:\n${failures.join('\n')}`);
  say('  Handlers in Python will be refused. Is pip there and PyPI reachable? Then run `npm run setup` again.');
  return null;
}

/** @returns {Promise<Python[]>} what can run handlers, the preferred one first */
export async function findPythons() {
  const chosen = process.env.AFTERWORD_PYTHON;
  const names = chosen ? [chosen] : ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3'];
  const found = await Promise.all(names.map(inspect));
  if (chosen && !found[0]) {
    throw new SetupError(`AFTERWORD_PYTHON is ${chosen}, which is not a CPython 3.10 or newer that runs here.`);
  }
  const pythons = found.filter((python) => python !== undefined);
  return pythons.filter(({ path }, index) => pythons.findIndex((other) => other.path === path) === index);
}

/** @param {string} name @returns {Promise<Python | undefined>} */
async function inspect(name) {
  const { ok, output } = await run(name, ['-I', '-c', describe], { timeoutMs: 10_000 });
  const [, implementation, major, minor, patch, path] = /^(\S+) (\d+) (\d+) (\d+) (.+)$/m.exec(output) ?? [];
  if (!ok || !path || implementation !== 'CPython' || Number(major) !== 3 || Number(minor) < 10) return undefined;
  return { path, version: `${major}.${minor}.${patch}` };
}

/**
 * @param {Python} python
 * @param {Packages} packages
 * @returns {Promise<{ ok: boolean, path: string, output: string }>} `path` is the interpreter of an environment of theirs
 */
export async function environmentFor(python, packages) {
  const key = createHash('sha256')
    .update(`${python.path} ${python.version}\n`)
    .update(await readFile(packages.requirements))
    .digest('hex')
    .slice(0, 12);
  const folder = join(cacheDir, `python-${python.version}-${key}`);
  const path = join(folder, 'bin', 'python');
  if (existsSync(path)) return { ok: true, path, output: '' };
  return withLock(folder, async () => {
    if (existsSync(path)) return { ok: true, path, output: '' };
    return step(`Packages for ${packages.what} ${python.version}`, async () => {
      const work = await mkdtemp(join(cacheDir, '.making-python-'));
      try {
        const made = await fill(python, work, packages);
        if (made.ok) {
          // mkdtemp keeps others out; a worker may run handlers as another user.
          await chmod(work, 0o755);
          // bin/python finds its environment by the pyvenv.cfg beside it, so the folder may be moved.
          await rename(work, folder);
        }
        return { ...made, path };
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    });
  });
}

/**
 * Without pip inside, which needs no ensurepip (Debian keeps that in a package of its own) and leaves nothing that
 * handlers have no use for. The interpreter's own pip installs into it, else one that is put there and removed.
 *
 * @param {Python} python
 * @param {string} folder
 * @param {Packages} packages
 */
async function fill(python, folder, packages) {
  const made = await run(python.path, ['-m', 'venv', '--without-pip', folder]);
  if (!made.ok) return made;
  const inside = join(folder, 'bin', 'python');
  const where = await run(inside, ['-I', '-c', 'import sysconfig; print(sysconfig.get_paths()["purelib"])']);
  if (!where.ok) return where;
  const target = where.output;
  let pip = [python.path, '-m', 'pip'];
  if (!(await run(python.path, ['-m', 'pip', '--version'])).ok) {
    const bootstrap = join(folder, 'bootstrap');
    const got = await run(python.path, ['-m', 'venv', bootstrap]);
    if (!got.ok) return { ok: false, output: `${python.path} has neither pip nor ensurepip:\n${got.output}` };
    pip = [join(bootstrap, 'bin', 'python'), '-m', 'pip'];
  }
  const [command = '', ...args] = pip;
  const options = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-compile', '--only-binary', ':all:'];
  const installed = await run(command, [
    ...args,
    'install',
    ...options,
    ...(packages.onlyListed ? ['--no-deps'] : []),
    '--target',
    target,
    '-r',
    packages.requirements,
  ]);
  await rm(join(folder, 'bootstrap'), { recursive: true, force: true });
  if (!installed.ok) return installed;
  // Compiled by the interpreter that will read it: the cage cannot write .pyc files.
  await run(inside, ['-m', 'compileall', '-q', target]);
  return run(inside, ['-I', '-c', `import ${packages.imports}`]);
}
