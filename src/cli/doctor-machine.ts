import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { errorTable } from '../domain/errors.ts';
import type { DenoCapability } from '../sandbox/deno.ts';
import type { SandboxCapability } from '../sandbox/probe.ts';
import type { Finding } from './doctor.ts';

const tryAnother = 'Name another Deno 2 in AFTERWORD_DENO; the line `cage` says what it lacks, if anything.';
const unsetSwitch = 'Unset AFTERWORD_UNSAFE_UNCAGED_PYTHON where others can write handlers.';
const oldestNode = [22, 12] as const;
const warnBelowBytes = 2 * 1024 ** 3;
const failBelowBytes = 200 * 1024 ** 2;

/** Node, Python, Deno, how well they lock handlers up, the Temporal CLI, disk space. Starts no service. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    ...(await checkHandlers(config)),
    checkTemporalCli(config),
    await checkDisk(config.home),
  ];
}

function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor, needMinor] = oldestNode;
  const ok = major > needMajor || (major === needMajor && minor >= needMinor);
  return {
    check: 'node',
    state: ok ? 'ok' : 'fail',
    detail: `Node ${version}`,
    mend: ok ? '' : `Install Node ${oldestNode.join('.')} or newer.`,
  };
}

async function checkHandlers({ python, deno, unsafeUncaged }: Config): Promise<Finding[]> {
  const [{ cageOf }, { probeSandbox }, { probeDeno }] = await Promise.all([
    import('../sandbox/cage.ts'),
    import('../sandbox/probe.ts'),
    import('../sandbox/deno.ts'),
  ]);
  const [ofPython, ofDeno] = await Promise.all([probeSandbox(python ?? 'python3'), probeDeno(deno)]);
  const { level, detail, mend } = cageOf(ofPython, ofDeno, unsafeUncaged);
  const state = level === 'full' ? 'ok' : level === 'refused' ? 'fail' : 'warn';
  return [
    checkPython(python, ofPython),
    await checkDeno(ofPython, ofDeno),
    { check: 'cage', state, detail: `${level}: ${detail}`, mend: level === 'unsandboxed' ? unsetSwitch : mend },
  ];
}

function checkPython(path: string | null, { python }: SandboxCapability): Finding {
  const check = 'python';
  if (path === null) return { check, state: 'fail', detail: 'none was found', mend: errorTable.python_missing.mend };
  if (python === null)
    return { check, state: 'fail', detail: `${path} cannot be run`, mend: errorTable.python_missing.mend };
  return { check, state: 'ok', detail: `Python ${python} (${path})`, mend: '' };
}

/** Also runs a handler where there is a cage for it: that needs more than a binary that starts. */
async function checkDeno(python: SandboxCapability, { executable, detail, mend }: DenoCapability): Promise<Finding> {
  const check = 'deno';
  if (executable === null) {
    return { check, state: 'warn', detail: `handlers in TypeScript are refused: ${detail}`, mend };
  }
  const { tryDeno } = await import('../sandbox/try-deno.ts');
  const fault = python.executable === '' ? null : await tryDeno(python.executable, executable);
  if (fault === null) return { check, state: 'ok', detail: `${detail} (${executable})`, mend: '' };
  return { check, state: 'warn', detail: `handlers in TypeScript cannot run: ${fault}`, mend: tryAnother };
}

function checkTemporalCli({ temporalCli }: Config): Finding {
  const check = 'temporal cli';
  if (temporalCli !== null) return { check, state: 'ok', detail: temporalCli, mend: '' };
  const detail = 'none was found; `npm start` needs it, a Temporal of your own does not';
  return { check, state: 'warn', detail, mend: errorTable.temporal_cli_missing.mend };
}

async function checkDisk(home: string): Promise<Finding> {
  let folder = home;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const state = free < failBelowBytes ? 'fail' : free < warnBelowBytes ? 'warn' : 'ok';
  return {
    check: 'disk',
    state,
    detail: `${(free / 1024 ** 3).toFixed(1)} GB free for ${home}`,
    mend: state === 'ok' ? '' : 'Free some space: the database and Temporal stop writing when the disk is full.',
  };
}
