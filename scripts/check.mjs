// All checks, or those that are named: npm run check -- types lint
// Later ones run although an earlier one has failed, so that one run shows everything.
import { root } from './setup/paths.mjs';
import { say, seconds } from './setup/progress.mjs';
import { run } from './setup/run.mjs';
import { delimiter, join } from 'node:path';

/** @type {Record<string, string[]>} */
const checks = {
  format: ['prettier', '--check', '--log-level', 'warn', '.'],
  types: ['tsc', '-p', 'tsconfig.json'],
  lint: ['eslint', '--max-warnings', '0', '.'],
  imports: ['depcruise', 'src', '--config', '.dependency-cruiser.cjs'],
  'workflow imports': ['depcruise', 'src/workflows', '--config', '.dependency-cruiser.workflows.cjs'],
  'unused code': ['knip'],
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in checks));
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(', ')}. There are: ${Object.keys(checks).join(', ')}.`);
  process.exit(2);
}

const env = { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) };
const failed = [];
for (const [name, [command = '', ...args]] of Object.entries(checks)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = Date.now();
  const { ok, output } = await run(command, args, { cwd: root, env });
  say(`${ok ? 'ok    ' : 'FAILED'} ${name} (${seconds(start)})`);
  if (ok) continue;
  failed.push(name);
  console.log(`${output}\n`);
}
if (failed.length > 0) {
  console.error(`Checks failed: ${failed.join(', ')}`);
  process.exit(1);
}
