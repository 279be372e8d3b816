import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCliUnderTest, type CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
});
afterAll(() => cli.close());

const python = 'def handle_event(context):\n    return 1\n';
const typescript = 'export async function handleEvent(context: any, helpers: any): Promise<number> {\n  return 1;\n}\n';
const yaml = (file: string) => `handlers:\n  - name: moves\n    event: conversation_closed\n    file: ${file}\n`;

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(cli.folder, 'typescript-'));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

test('the ending of a file is its language, and a push may change it', async () => {
  const first = folder({ 'handlers.yaml': yaml('moves.py'), 'moves.py': python });
  expect((await cli.run(['handlers', 'push', first])).stdout).toBe('moves: created\n');
  const second = folder({ 'handlers.yaml': yaml('moves.ts'), 'moves.ts': typescript });
  expect((await cli.run(['handlers', 'push', second])).stdout).toBe('moves: new version 2\n');
  expect((await cli.run(['handlers', 'list'])).stdout).toMatch(/^moves +conversation_closed +typescript +on +2 /m);
  const versions = (await cli.run(['handlers', 'versions', 'moves'])).stdout;
  expect(versions).toMatch(/^2 +current +typescript /m);
  expect(versions).toMatch(/^1 +python /m);
});

test('a pull names files by their language, and follows a handler that has changed it', async () => {
  const fresh = join(cli.folder, 'fresh');
  expect((await cli.run(['handlers', 'pull', fresh])).stdout).toBe('moves: created (moves.ts)\n');
  expect(readFileSync(join(fresh, 'moves.ts'), 'utf8')).toBe(typescript);
  expect((await cli.run(['handlers', 'push', fresh])).stdout).toBe('moves: unchanged\n');
  await cli.run(['handlers', 'rollback', 'moves', '1']);
  expect((await cli.run(['handlers', 'pull', fresh])).stdout).toBe('moves: updated (moves.py)\n');
  expect(readFileSync(join(fresh, 'handlers.yaml'), 'utf8')).toContain('file: moves.py');
  expect(readdirSync(fresh).sort()).toEqual(['handlers.yaml', 'moves.py', 'moves.ts']);
});

test('what cannot work is refused with its place, by push and by validate', async () => {
  const dir = folder({ 'handlers.yaml': yaml('moves.ts'), 'moves.ts': "import fs from 'node:fs';\n" });
  const expected = 'moves.ts, line 1, column 1: handlers are one file';
  expect(await cli.run(['handlers', 'push', dir])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(expected),
  });
  expect(await cli.run(['handlers', 'validate', dir], { env: { AFTERWORD_PYTHON: '/nonexistent' } })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(expected),
  });
  writeFileSync(join(dir, 'moves.ts'), typescript.replace('1;', 'Deno.pid;'));
  const warned = await cli.run(['handlers', 'push', dir]);
  expect(warned.stdout).toContain('moves: new version 3');
  expect(warned.stderr).toContain('moves.ts, line 2, column 10: Deno is not available in handlers');
});

test('a tool is Python', async () => {
  const dir = folder({ 'handlers.yaml': `${yaml('moves.ts')}    tool: Mine\n`, 'moves.ts': typescript });
  const ran = await cli.run(['handlers', 'push', dir, '--no-validate']);
  expect(ran.exitCode).not.toBe(0);
  expect(ran.stderr).toContain('Tools are written in Python');
});
