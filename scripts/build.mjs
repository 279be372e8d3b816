// Compiles src to dist and bundles the workflows and Deno's runner: node scripts/build.mjs
// Types are not checked here (`npm run check` does), which is three times as fast.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import { build as rolldown } from 'rolldown';
import { withLock } from './setup/lock.mjs';
import { root } from './setup/paths.mjs';
import { SetupError } from './setup/progress.mjs';
import { lastLines, run } from './setup/run.mjs';
import { distDir, sourcesHash } from './setup/sources.mjs';

// Beside dist, not inside: source maps are relative, and dist is replaced in one step.
const draft = join(root, 'dist.next');
const old = join(root, 'dist.old');
const require = createRequire(import.meta.url);
const workflowInterceptorModules = [
  require.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors'),
];

try {
  await withLock(`the build of ${root}`, build);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function build() {
  const madeFrom = sourcesHash();
  await clear();
  try {
    await compile();
    await bundle();
    await bundleDenoRunner();
    await writeFile(join(draft, '.made-from'), madeFrom);
    if (existsSync(distDir)) await rename(distDir, old);
    await rename(draft, distDir);
  } finally {
    await clear();
  }
}

async function clear() {
  await Promise.all([draft, old].map((folder) => rm(folder, { recursive: true, force: true })));
}

async function compile() {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [tsc, '-p', 'tsconfig.build.json', '--noCheck', '--outDir', draft];
  const { ok, output } = await run(process.execPath, args, { cwd: root });
  if (!ok) throw new SetupError(`The sources could not be compiled:\n${lastLines(output, 30)}`);
}

/** From the compiled files, so that workers run the same code in and out of workflows. */
async function bundle() {
  const workflowsPath = join(draft, 'workflows', 'index.js');
  if (!existsSync(workflowsPath)) return;
  /** @type {string[]} */
  const messages = [];
  const logger = new DefaultLogger('WARN', ({ message }) => messages.push(message));
  try {
    const plain = await bundleWorkflowCode({ workflowsPath, logger });
    await writeFile(join(draft, 'workflow-bundle.js'), plain.code);
    const traced = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger });
    await writeFile(join(draft, 'workflow-bundle-traced.js'), traced.code);
  } catch (error) {
    throw new SetupError(
      `The workflows could not be bundled:\n${lastLines([...messages, String(error)].join('\n'), 40)}`,
    );
  }
}

/**
 * One small file, alone in its folder: Deno reads each module with its own parser before V8 does, which took 10 ms of the 45
 * that its start costs. The sources lie beside the sandbox, in JavaScript.
 */
async function bundleDenoRunner() {
  const input = join(root, 'src', 'sandbox', 'deno', 'main.js');
  const output = { file: join(draft, 'deno-runner', 'main.js'), format: /** @type {const} */ ('esm'), minify: true };
  try {
    await rolldown({ input, platform: 'neutral', logLevel: 'silent', output });
  } catch (error) {
    throw new SetupError(`The runner of TypeScript handlers could not be bundled:\n${String(error)}`);
  }
}
