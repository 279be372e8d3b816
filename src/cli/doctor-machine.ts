import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/config.ts';
import { errorTable } from '../domain/errors.ts';
import type { Finding } from './doctor.ts';

const tryAnother = 'Name another Deno 2 in AFTERWORD_DENO; the line `python` says what the cage lacks, if anything.';
const oldestNode = [22, 12] as const;
const warnBelowBytes = 2 * 1024 ** 3;
const failBelowBytes = 200 * 1024 ** 2;

/** Node, Python and its cage, Deno, the Temporal CLI, disk space. Starts no service. */
export async function checkMachine(config: Config): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    await checkPython(config),
    await checkDeno(config),
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

async function checkPython({ python, unsafeUncaged }: Config): Promise<Finding> {
  const check = 'python';
  if (python === null) return { check, state: 'fail', detail: 'none was found', mend: errorTable.python_missing.mend };
  const { probeSandbox } = await import('../sandbox/probe.ts');
  const { level, detail, mend } = await probeSandbox(python);
  if (level === 'full') return { check, state: 'ok', detail: `${detail} (${python})`, mend: '' };
  if (unsafeUncaged) {
    return {
      check,
      state: 'warn',
      detail: `handlers run without a full cage: ${detail}`,
      mend: 'Unset AFTERWORD_UNSAFE_UNCAGED_PYTHON where others can write handlers.',
    };
  }
  const state = level === 'no_landlock' ? 'warn' : 'fail';
  return { check, state, detail: `handlers are not fully caged: ${detail}`, mend };
}

/** Also runs a handler where Python has its cage: that needs more than a binary that starts. */
async function checkDeno({ deno, python }: Config): Promise<Finding> {
  const check = 'deno';
  const [{ probeDeno }, { tryDeno }] = await Promise.all([
    import('../sandbox/deno.ts'),
    import('../sandbox/try-deno.ts'),
  ]);
  const { executable, detail, mend } = await probeDeno(deno);
  if (executable === null) {
    return { check, state: 'warn', detail: `handlers in TypeScript are refused: ${detail}`, mend };
  }
  const fault = python === null ? null : await tryDeno(python, executable);
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
