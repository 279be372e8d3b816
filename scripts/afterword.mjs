#!/usr/bin/env node
// The command line: starts the compiled one with a Node that can run it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findNode, isNewEnough } from './setup/node.mjs';
import { root } from './setup/paths.mjs';
import { SetupError } from './setup/progress.mjs';

const cli = join(root, 'dist', 'cli.js');

if (!existsSync(cli)) {
  console.error('Afterword is not built yet. Run `npm run setup` first.');
  process.exit(1);
}

if (isNewEnough(process.versions.node)) {
  process.argv[1] = cli;
  await import(cli);
} else {
  const child = spawn(await rightNode(), [cli, ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; the command line decides what it means.
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => {
    process.exit(code ?? (signal === 'SIGINT' ? 130 : 1));
  });
}

async function rightNode() {
  try {
    return await findNode();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
