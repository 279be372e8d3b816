import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCliUnderTest, type CliUnderTest, type RunOptions } from './cli-under-test.ts';

const good = 'def handle_event(context):\n    return 1\n';
const misspelt = 'def handle_event(context):\n    add_conversation_tg(context, "vip")\n';
const doubtful = 'def handle_event(context):\n    return jsn\n';

let cli: CliUnderTest;

beforeAll(async () => {
  cli = await createCliUnderTest();
  file('good.py', good);
  file('misspelt.py', misspelt);
  file('doubtful.py', doubtful);
});
afterAll(() => cli.close());

function file(path: string, content: string): void {
  mkdirSync(dirname(join(cli.folder, path)), { recursive: true });
  writeFileSync(join(cli.folder, path), content);
}

function folder(name: string, files: Record<string, string>): string {
  const entries = Object.keys(files).map(
    (path) => `  - {name: ${path.slice(0, -3)}, event: conversation_closed, file: ${path}}\n`,
  );
  file(`${name}/handlers.yaml`, `handlers:\n${entries.join('')}`);
  for (const [path, content] of Object.entries(files)) file(`${name}/${path}`, content);
  return name;
}

/** No server is asked: none is there. */
const validate = (args: string[], { env, ...options }: RunOptions = {}) =>
  cli.run(['handlers', 'validate', ...args], { ...options, env: { AFTERWORD_URL: 'http://127.0.0.1:1', ...env } });

describe('handlers validate', () => {
  test('a file that is right', async () => {
    expect(await validate(['good.py'])).toEqual({ exitCode: 0, stdout: 'good.py: ok\n', stderr: '' });
  });

  test('an error has its file, line and column, and exit code 1', async () => {
    const ran = await validate(['misspelt.py']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: 'misspelt.py: wrong\n' });
    expect(ran.stderr).toContain('error: 1 error in 1 of 1 file: (invalid_handler)');
    expect(ran.stderr).toContain(
      '  misspelt.py, line 2, column 5: there is no function add_conversation_tg; did you mean add_conversation_tag?',
    );
  });

  test('a warning is shown and is no failure', async () => {
    const ran = await validate(['doubtful.py']);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.stdout).toBe(
      'doubtful.py: ok\n  warning: doubtful.py, line 2, column 12: jsn is not defined in this file\n',
    );
  });

  test('a folder’s handlers, the current one’s where none is named', async () => {
    const dir = folder('mixed', { 'a.py': good, 'b.py': 'x = 1\n', 'c.py': misspelt });
    const ran = await validate([dir]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: 'a.py: ok\nb.py: wrong\nc.py: wrong\n' });
    expect(ran.stderr).toContain('2 errors in 2 of 3 files');
    expect(ran.stderr).toContain('  b.py: the file has no function handle_event(context)');
    expect(await validate([])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('handlers.yaml is not there'),
    });
  });

  test('--json prints every finding', async () => {
    const ran = await validate(['misspelt.py', '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({
      items: [
        {
          file: 'misspelt.py',
          findings: [
            {
              severity: 'error',
              line: 2,
              column: 5,
              message: 'there is no function add_conversation_tg; did you mean add_conversation_tag?',
            },
          ],
        },
      ],
    });
    expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code: 'invalid_handler' } });
  });

  test('a path that is not there, and a Python that is not', async () => {
    const nothing = await validate(['nothing.py']);
    expect(nothing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('there is no such file') });
    const blind = await validate(['good.py'], { env: { AFTERWORD_PYTHON: '/nonexistent/python3' } });
    expect(blind).toMatchObject({ exitCode: 1, stdout: '' });
    expect(blind.stderr).toContain('/nonexistent/python3 cannot be run. (python_missing)');
  });
});

describe('handlers push', () => {
  test('sends nothing while one of the handlers cannot work', async () => {
    const dir = folder('refused', { 'first.py': good, 'second.py': misspelt });
    const ran = await cli.run(['handlers', 'push', dir]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(/1 fault in .*refused: \(invalid_file\)\n {2}second\.py, line 2, column 5: there is no/);
    expect((await cli.run(['handlers', 'list'])).stdout).not.toContain('first');
  });

  test('sends it all the same with --no-validate', async () => {
    const dir = folder('forced', { 'forced.py': misspelt });
    const ran = await cli.run(['handlers', 'push', dir, '--no-validate']);
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'forced: created\n', stderr: '' });
  });

  test('shows warnings beside what it did', async () => {
    const dir = folder('warned', { 'warned.py': doubtful });
    const ran = await cli.run(['handlers', 'push', dir]);
    expect(ran).toMatchObject({ exitCode: 0, stdout: 'warned: created\n' });
    expect(ran.stderr).toContain('warning: warned.py, line 2, column 12: jsn is not defined in this file');
    const json = await cli.run(['handlers', 'push', dir, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({
      items: [
        { name: 'warned', check: { outcome: 'checked', findings: [{ severity: 'warning', line: 2, column: 12 }] } },
      ],
    });
  });
});
