import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { declarations } from '../../src/handler-types/declarations.ts';
import { runIn } from './cli-under-test.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'afterword-types-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Without a server. */
const run = (...args: string[]) => runIn(folder, join(folder, 'home'), ['types', ...args]);
const at = (name: string) => readFileSync(join(folder, name), 'utf8');

test('types prints them, and writes them to a file or into a folder', async () => {
  expect(await run()).toEqual({ exitCode: 0, stdout: declarations(), stderr: '' });
  mkdirSync(join(folder, 'handlers'));
  expect((await run('--out', 'handlers')).stdout).toContain(join('handlers', 'afterword.d.ts is written.'));
  expect(at('handlers/afterword.d.ts')).toBe(declarations());
  expect((await run('--out', 'handlers')).stdout).toContain('is up to date.');
  expect(JSON.parse((await run('--out', 'own.d.ts', '--json')).stdout)).toMatchObject({ changed: true });
  expect(at('own.d.ts')).toBe(declarations());
});

test('types --check says whether the file is up to date, and writes nothing', async () => {
  const missing = await run('--out', '.', '--check');
  expect(missing).toMatchObject({ exitCode: 1, stdout: '' });
  expect(missing.stderr).toContain('is not there. (types_outdated)');
  await run('--out', '.');
  expect((await run('--out', '.', '--check')).exitCode).toBe(0);
  writeFileSync(join(folder, 'afterword.d.ts'), `${declarations()}// more\n`);
  const stale = await run('--out', '.', '--check');
  expect(stale.exitCode).toBe(1);
  expect(stale.stderr).toContain('`afterword types --out`');
  expect(at('afterword.d.ts')).toContain('// more');
  expect((await run('--out', '.')).exitCode).toBe(0);
  expect(at('afterword.d.ts')).toBe(declarations());
});

test('types refuses a check of nothing, a file of somebody else, and a place that is none', async () => {
  expect(await run('--check')).toMatchObject({ exitCode: 2, stdout: '' });
  writeFileSync(join(folder, 'handler.ts'), 'export const mine = 1;\n');
  const refused = await run('--out', 'handler.ts');
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toContain('was not written by `afterword types`');
  expect(at('handler.ts')).toBe('export const mine = 1;\n');
  expect((await run('--out', 'no/such/folder.d.ts')).stderr).toContain('cannot be written');
});
