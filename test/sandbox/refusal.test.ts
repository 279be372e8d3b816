import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import { probeSandbox } from '../../src/sandbox/probe.ts';
import { runHandler } from './running.ts';

const fixtures = join(import.meta.dirname, 'fixtures');

interface Said {
  readonly warnings: string[];
  readonly level: unknown;
  readonly mend: unknown;
  readonly result: unknown;
}

/** What a worker on a kernel that really lacks `missing` says, and what comes of the handler there. */
async function workerWithout(
  missing: 'landlock' | 'seccomp',
  code: string,
  language: 'python' | 'typescript' = 'python',
  ...options: string[]
): Promise<Said> {
  const script = [join(fixtures, 'without_syscalls.py'), missing, process.execPath, join(fixtures, 'host.ts')];
  const { stdout } = await promisify(execFile)('python3', ['-B', ...script, code, language, ...options]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { warning?: string } & Omit<Said, 'warnings'>);
  const { level, mend, result } = lines.at(-1) ?? {};
  return { warnings: lines.flatMap(({ warning }) => warning ?? []), level, mend, result };
}

const readPasswd = 'def handle_event(context): return open("/etc/passwd").read(4)';
const openSocket = 'import socket\ndef handle_event(context): return socket.socket().fileno() > 0';
const plain = {
  python: 'def handle_event(context): return 1',
  typescript: 'export const handleEvent = () => 1;',
};
const succeeded = (result: unknown) => ({ outcome: 'succeeded', result });
const failed = (type: string) => ({ outcome: 'failed', error: { type } });

describe('without Landlock', () => {
  it('handlers in Python learn nothing of what others hold', async () => {
    const { result } = await workerWithout(
      'landlock',
      'import os\ndef handle_event(_): return os.readlink("/proc/self/exe")',
    );
    expect(result).toMatchObject(failed('PermissionError'));
  });

  it('handlers in Python run, open no file, and find what they import and every time zone loaded', async () => {
    const { warnings, level, mend, result } = await workerWithout('landlock', readPasswd);
    expect(warnings).toEqual([
      expect.stringMatching(
        /^WARNING: without Landlock: .*landlock_create_ruleset: Function not implemented.*open no file/,
      ),
    ]);
    expect({ level, mend }).toEqual({ level: 'no_landlock', mend: expect.stringContaining('Linux 5.13') as string });
    expect(result).toMatchObject(failed('PermissionError'));
    const useful = `
import csv, io, json, re, requests, sqlite3, zipfile, xml.etree.ElementTree
from datetime import datetime
from zoneinfo import ZoneInfo
def handle_event(context):
    rows = list(csv.reader(io.StringIO("a,b")))
    when = datetime(2026, 7, 1, tzinfo=ZoneInfo("Asia/Kathmandu")).isoformat()
    try:
        import turtle
    except PermissionError as error:
        lazy = str(error)
    return [rows, when, lazy]
`;
    const { result: ofUseful } = await workerWithout('landlock', useful);
    expect(ofUseful).toMatchObject(
      succeeded([[['a', 'b']], '2026-07-01T00:00:00+05:45', expect.stringContaining('turtle.py') as string]),
    );
  });

  it('nothing else gets out either', async () => {
    const { result } = await workerWithout('landlock', openSocket);
    expect(result).toMatchObject(failed('PermissionError'));
  });

  it('handlers in TypeScript run', async () => {
    const { result } = await workerWithout('landlock', plain.typescript, 'typescript');
    expect(result).toMatchObject(succeeded(1));
  });
});

describe('without seccomp', () => {
  it('handlers in Python are refused, with what is missing and how to mend it', async () => {
    const { warnings, level, result } = await workerWithout('seccomp', plain.python);
    expect(warnings).toEqual([expect.stringMatching(/^WARNING: Deno only: seccomp is missing \(.*Invalid argument\)/)]);
    expect(level).toBe('deno_only');
    expect(result).toMatchObject({
      outcome: 'failed',
      reason: 'refused',
      error: { type: 'Refused', message: expect.stringMatching(/seccomp is missing .*Linux 5\.13/) as string },
    });
  });

  it('handlers in TypeScript run by the permissions of Deno', async () => {
    const { result } = await workerWithout('seccomp', plain.typescript, 'typescript');
    expect(result).toMatchObject(succeeded(1));
  });
});

describe('the switch that runs handlers uncaged', () => {
  it('says what is exposed, and keeps the layer there is', async () => {
    const { warnings, level, result } = await workerWithout('landlock', readPasswd, 'python', 'unsandboxed');
    expect(warnings).toEqual([expect.stringMatching(/^WARNING.*UNSANDBOXED.*every file/)]);
    expect(level).toBe('unsandboxed');
    expect(result).toMatchObject(succeeded('root'));
    const connect = await workerWithout('landlock', openSocket, 'python', 'unsandboxed');
    expect(connect.result).toMatchObject(failed('PermissionError'));
    const readCaged = await workerWithout('seccomp', readPasswd, 'python', 'unsandboxed');
    expect(readCaged.result).toMatchObject(failed('PermissionError'));
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
    expect(sandbox.cage.level).toBe('refused');
    expect(sandbox.capability.python).toBe(python);
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
