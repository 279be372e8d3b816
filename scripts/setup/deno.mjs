import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.mjs';
import { say } from './progress.mjs';

/** Deno comes with the dependencies, where its package fits this machine. Says so where it does not. */
export function sayWithoutDeno() {
  const binary = join(root, 'node_modules', '@deno', `${process.platform}-${process.arch}-glibc`, 'deno');
  if (existsSync(binary) || process.env.AFTERWORD_DENO) return;
  say(`No Deno for ${process.platform} on ${process.arch} was installed, and AFTERWORD_DENO names none.`);
  say('  Handlers in TypeScript will be refused; all else works.');
}
