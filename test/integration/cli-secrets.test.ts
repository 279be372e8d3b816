import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { sealedSecrets } from '../../src/store/secrets.ts';
import { testKeys } from '../setup/keys.ts';
import { createCliUnderTest } from './cli-under-test.ts';
import type { CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
});
afterAll(() => cli.close());

async function valueOf(name: string): Promise<string> {
  const sealed = (await sealedSecrets(cli.store.db, 'parcels', [name])).get(name) ?? '';
  return testKeys.open(sealed, ['secret', 'parcels', name]);
}

describe('secrets', () => {
  test('are set from standard input, without its line end, and listed by name', async () => {
    expect(await cli.run(['secrets', 'list'])).toMatchObject({ stdout: expect.stringContaining('No secrets yet') });
    const set = await cli.run(['secrets', 'set', 'CRM_TOKEN'], { stdin: 'a-token-of-mine\n' });
    expect(set).toEqual({ exitCode: 0, stdout: 'CRM_TOKEN is set.\n', stderr: '' });
    expect(await valueOf('CRM_TOKEN')).toBe('a-token-of-mine');
    const list = await cli.run(['secrets', 'list']);
    expect(list.stdout).toMatch(/^NAME\s+CREATED\s+CHANGED\nCRM_TOKEN\s+\d{4}-/);
    const json = JSON.parse((await cli.run(['secrets', 'list', '--json'])).stdout) as unknown;
    expect(json).toMatchObject({ items: [{ name: 'CRM_TOKEN' }] });
  });

  test.each([
    ['lines\nof a key\n', 'lines\nof a key'],
    ['ends twice\n\n', 'ends twice\n'],
    ['of Windows\r\n', 'of Windows'],
    ['  spaces stay  ', '  spaces stay  '],
  ])('are set from a file: %j', async (text, value) => {
    writeFileSync(join(cli.folder, 'value.txt'), text);
    expect(await cli.run(['secrets', 'set', 'FROM_FILE', '--from-file', 'value.txt'])).toMatchObject({ exitCode: 0 });
    expect(await valueOf('FROM_FILE')).toBe(value);
  });

  test('are deleted', async () => {
    await cli.run(['secrets', 'set', 'GONE'], { stdin: 'soon-to-be-gone' });
    expect(await cli.run(['secrets', 'rm', 'GONE'])).toMatchObject({ exitCode: 0, stdout: 'GONE is deleted.\n' });
    const again = await cli.run(['secrets', 'rm', 'GONE']);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('There is no secret "GONE". (secret_not_found)');
  });

  test.each<[string, string[], string | undefined, number, RegExp]>([
    ['a value as an argument', ['X', 'my-planted-value'], undefined, 2, /too many arguments/],
    ['nothing on standard input', ['X'], '\n', 2, /standard input is empty/],
    ['a value that is too short', ['X'], 'planted', 1, /at least 8 characters/],
    ['a name in small letters', ['planted_x'], 'my-planted-value', 1, /capital letters/],
    ['a file that is not there', ['X', '--from-file', 'none.txt'], undefined, 2, /there is no such file/],
    ['a folder', ['X', '--from-file', 'folder'], undefined, 2, /it is a folder/],
    ['a file that is no text', ['X', '--from-file', 'binary'], undefined, 2, /does not hold text/],
  ])('refuse %s and do not repeat it', async (_what, args, stdin, exitCode, message) => {
    mkdirSync(join(cli.folder, 'folder'), { recursive: true });
    writeFileSync(join(cli.folder, 'binary'), Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xff, 0xfe, 0xfd, 0xfc]));
    const ran = await cli.run(['secrets', 'set', ...args], stdin === undefined ? {} : { stdin });
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr).not.toContain('my-planted-value');
  });
});

/** Types what its first argument says into the terminal of a command, once that asks; prints what the terminal showed. */
const typing = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
typed = False
while True:
    try:
        read = os.read(terminal, 1000)
    except OSError:
        break
    if not read: break
    shown += read
    if not typed and b"(not shown): " in shown:
        typed = True
        os.write(terminal, sys.argv[1].encode())
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe('on a terminal', () => {
  async function type(text: string): Promise<string> {
    const command = [process.execPath, join(packageRoot, 'src/cli.ts'), 'secrets', 'set', 'TYPED'];
    const env = { PATH: process.env.PATH, AFTERWORD_HOME: cli.home };
    const python = inject('python') ?? 'python3';
    try {
      return (await promisify(execFile)(python, ['-c', typing, text, ...command], { env })).stdout;
    } catch (error) {
      if (error instanceof Error && 'stdout' in error) return String(error.stdout);
      throw error;
    }
  }

  test('a value is asked for and not shown', async () => {
    const shown = await type('my-hiddem\u007fn-välue\r');
    expect(shown.replaceAll('\r', '')).toBe('Value of TYPED (not shown): \nTYPED is set.\n');
    expect(await valueOf('TYPED')).toBe('my-hidden-välue');
  });

  test('Ctrl-C sets nothing', async () => {
    const shown = await type('my-other\u0003');
    expect(shown).toContain('Nothing was set: it was interrupted. (invalid_usage)');
    expect(shown).not.toContain('my-other');
    expect(await valueOf('TYPED')).toBe('my-hidden-välue');
  });
});

test('a folder of handlers names their secrets; a push warns of those that are missing, a pull brings them back', async () => {
  const folder = join(cli.folder, 'granted');
  mkdirSync(folder);
  const entry = '  - name: granted\n    event: conversation_closed\n    file: granted.py\n';
  writeFileSync(join(folder, 'granted.py'), 'def handle_event(context):\n    return 1\n');
  writeFileSync(join(folder, 'handlers.yaml'), `handlers:\n${entry}    secrets: [CRM_TOKEN, NOT_SET_YET]\n`);
  const pushed = await cli.run(['handlers', 'push', folder]);
  expect(pushed).toMatchObject({ exitCode: 0, stdout: 'granted: created\n' });
  expect(pushed.stderr).toContain('warning: granted.py: the settings name the secret NOT_SET_YET');
  expect((await cli.run(['handlers', 'push', folder])).stdout).toBe('granted: unchanged\n');

  writeFileSync(join(folder, 'handlers.yaml'), `handlers:\n${entry}`);
  const pulled = await cli.run(['handlers', 'pull', folder, '--force']);
  expect(pulled.exitCode).toBe(0);
  expect((await cli.run(['handlers', 'push', folder])).stdout).toBe('granted: unchanged\n');

  writeFileSync(join(folder, 'handlers.yaml'), `handlers:\n${entry}    secrets: crm_token\n`);
  const wrong = await cli.run(['handlers', 'push', folder]);
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('handlers.yaml, line 5');
});
