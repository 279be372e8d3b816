import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import { probeSandbox } from '../../src/sandbox/probe.ts';
import { runHandler } from './running.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

/** A worker on a kernel that really lacks `missing`; what it said, a parsed line each. */
async function workerWithout(missing: 'landlock' | 'seccomp', code: string, ...options: string[]): Promise<unknown[]> {
  const script = [join(fixtures, 'without_syscalls.py'), missing, process.execPath, join(fixtures, 'host.ts')];
  const { stdout } = await promisify(execFile)('python3', ['-B', ...script, code, ...options]);
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

const readPasswd = 'def handle_event(context): return open("/etc/passwd").read(4)';
const openSocket = 'import socket\ndef handle_event(context): return socket.socket().fileno() > 0';

describe('where a layer of the cage is missing', () => {
  it.each([
    ['landlock', 'no_landlock', /Landlock is missing \(landlock_create_ruleset: Function not implemented\)/],
    ['seccomp', 'refused', /seccomp is missing \(.*Invalid argument\)/],
  ] as const)(
    'refuses to run Python without %s, says what is missing and how to mend it',
    async (missing, level, detail) => {
      const [warning, answer] = await workerWithout(missing, readPasswd);
      expect(warning).toEqual({ warning: expect.stringMatching(/^Handlers are refused: /) as string });
      expect(warning).toHaveProperty('warning', expect.stringMatching(detail) as string);
      expect(answer).toMatchObject({
        level,
        mend: expect.stringContaining('Linux 5.13') as string,
        result: {
          outcome: 'failed',
          reason: 'refused',
          error: { type: 'Refused', message: expect.stringMatching(detail) as string },
        },
      });
    },
  );

  it('runs unsandboxed when told to, warns what is exposed, and keeps the layer there is', async () => {
    const said = await workerWithout('landlock', readPasswd, 'unsandboxed');
    expect(said[0]).toHaveProperty('warning', expect.stringMatching(/^WARNING.*UNSANDBOXED.*every file/) as string);
    expect(said.at(-1)).toMatchObject({ result: { outcome: 'succeeded', result: 'root' } });
    const connect = await workerWithout('landlock', openSocket, 'unsandboxed');
    expect(connect.at(-1)).toMatchObject({ result: { outcome: 'failed', error: { type: 'PermissionError' } } });
    const readCaged = await workerWithout('seccomp', readPasswd, 'unsandboxed');
    expect(readCaged.at(-1)).toMatchObject({ result: { outcome: 'failed', error: { type: 'PermissionError' } } });
  });
});

describe('where there is no fitting Python', () => {
  it.each([
    ['/nonexistent/python3', null, /cannot be run: .*ENOENT/],
    ['/bin/true', null, /cannot be run/],
    [join(fixtures, 'old-python'), '3.9.2', /is Python 3\.9\.2, and handlers need CPython 3\.10 or newer/],
  ])('refuses with the reason: %s', async (pythonPath, python, detail) => {
    const warnings: string[] = [];
    const sandbox = await createSandbox({ pythonPath, unsandboxed: true, log: (line) => warnings.push(line) });
    expect(sandbox.capability).toMatchObject({ level: 'refused', python });
    expect(warnings).toEqual([expect.stringMatching(detail)]);
    const { result } = await runHandler(sandbox, 'def handle_event(context): return 1');
    expect(result).toMatchObject({ outcome: 'failed', reason: 'refused' });
    expect(result).toHaveProperty('error.message', expect.stringMatching(detail) as string);
    await sandbox.close();
  });
});

describe('the probe', () => {
  it('finds the full cage here, and the interpreter’s version', async () => {
    const capability = await probeSandbox('python3');
    expect(capability).toMatchObject({ level: 'full', mend: '', layers: ['landlock', 'seccomp'] });
    expect(capability.python).toMatch(/^3\.\d+\.\d+/);
  });
});
