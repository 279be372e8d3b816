// Makes a fresh clone ready to run, and says what it does: node scripts/setup.mjs
// With --tests also what only tests and the bench need. Plain Node 18 without dependencies. Running it again costs 0.1 s when there is nothing to do.
import { join } from 'node:path';
import { ensureClients } from './setup/python-clients.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { findNode } from './setup/node.mjs';
import { root } from './setup/paths.mjs';
import { SetupError, say, seconds, step } from './setup/progress.mjs';
import { run } from './setup/run.mjs';
import { isBuilt } from './setup/sources.mjs';
import { ensureComposeSchema } from './setup/compose-schema.mjs';
import { ensureTemporalServer } from './setup/temporal-server.mjs';
import { ensureToolchain } from './setup/toolchain.mjs';

const start = Date.now();
try {
  const installed = await ensureDependencies();
  const node = await findNode();
  const found = await ensureToolchain(node);
  const built = await ensureBuild(node);
  const forTests = process.argv.includes('--tests') && (await ensureForTests());
  say(
    installed || found || built || forTests
      ? `Set-up done in ${seconds(start)}`
      : `Set-up is up to date (${seconds(start)})`,
  );
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`\nSet-up stopped: ${error.message}`);
  process.exit(1);
}

/** @param {string} node */
async function ensureBuild(node) {
  if (isBuilt()) return false;
  await step('Compiling', async () => {
    const { ok, output } = await run(node, [join(root, 'scripts', 'build.mjs')]);
    if (!ok) throw new SetupError(output);
  });
  return true;
}

async function ensureForTests() {
  const server = await ensureTemporalServer();
  const schema = await ensureComposeSchema();
  const clients = await ensureClients();
  return server || schema || clients;
}
