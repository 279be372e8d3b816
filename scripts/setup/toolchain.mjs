import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sayWithoutDeno } from './deno.mjs';
import { cacheDir, requirementsFile, toolchainFile } from './paths.mjs';
import { findHandlerPython } from './python.mjs';
import { findTemporalCli } from './temporal-cli.mjs';

/**
 * The programs that Afterword starts. src/config reads this file.
 *
 * @typedef {{ temporalCli: string, python: string | null }} Toolchain
 */

/** @param {string} node */
export async function ensureToolchain(node) {
  const madeFrom = inputs();
  if (isCurrent(madeFrom)) return false;
  const temporalCli = await findTemporalCli(node);
  const python = await findHandlerPython();
  sayWithoutDeno();
  mkdirSync(dirname(toolchainFile), { recursive: true });
  const draft = `${toolchainFile}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify({ temporalCli, python, madeFrom }, null, 2)}\n`);
  renameSync(draft, toolchainFile);
  return true;
}

/** What the choice depends on; when it changes, the search is made again. */
function inputs() {
  return createHash('sha256')
    .update(JSON.stringify([process.env.TEMPORAL_CLI_PATH, process.env.AFTERWORD_PYTHON, cacheDir]))
    .update(readFileSync(requirementsFile))
    .digest('hex');
}

/** @param {string} madeFrom */
function isCurrent(madeFrom) {
  if (!existsSync(toolchainFile)) return false;
  const known = JSON.parse(readFileSync(toolchainFile, 'utf8'));
  // Without a Python it is looked for again each time: somebody may have installed one.
  return known.madeFrom === madeFrom && existsSync(known.temporalCli) && known.python && existsSync(known.python);
}
