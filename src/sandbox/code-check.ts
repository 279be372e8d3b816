import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { packageRoot } from '../config/package-root.ts';
import { CodeFinding } from '../contract/handler.ts';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { camelCase } from './typescript/helper-description.ts';
import { SourceReader, UnreadableSource } from './typescript/source-reader.ts';

export type CodeCheck =
  | { readonly outcome: 'checked'; readonly findings: readonly CodeFinding[] }
  /** Nothing is known of the code; `reason` is a sentence without its full stop. */
  | { readonly outcome: 'skipped'; readonly reason: string };

/** Says what is wrong with a handler's code without running it. `tool`: of its settings. Never rejects. */
export type CheckCode = (
  code: string,
  settings: { readonly language?: HandlerLanguage; readonly tool?: string | undefined },
) => Promise<CodeCheck>;

export interface CodeCheckOptions {
  /** CPython 3.10 or newer: a path, or a name to be found on PATH. */
  readonly pythonPath: string;
  /** Names of the functions that handlers may call. */
  readonly helperNames: readonly string[];
}

/** Python files are run from the sources: they are not compiled. */
const program = join(packageRoot, 'src/sandbox/python/check_code.py');
/** Nothing but the standard library, no bytecode files, UTF-8 whatever the locale. */
const flags = ['-I', '-S', '-B', '-X', 'utf8'] as const;
const timeoutMs = 20_000;
const mostAtOnce = 2;
const answerBytes = 256 * 1024;

const Answer = z.object({ findings: z.array(CodeFinding) });

/** Each check is a short-lived interpreter with limits of its own; the code is parsed there, never executed. */
export function createCodeCheck({ pythonPath, helperNames }: CodeCheckOptions): CheckCode {
  let interpreter: Promise<Interpreter> | undefined;
  let running = 0;
  const waiting: (() => void)[] = [];

  async function checkNow(code: string, tool: string | null): Promise<CodeCheck> {
    interpreter ??= findInterpreter(pythonPath);
    const found = await interpreter;
    if ('missing' in found) {
      // Python may be installed meanwhile.
      interpreter = undefined;
      return { outcome: 'skipped', reason: found.missing };
    }
    try {
      const text = await runPython(found.executable, JSON.stringify({ code, helpers: helperNames, tool }));
      return { outcome: 'checked', findings: Answer.parse(JSON.parse(text)).findings };
    } catch {
      return { outcome: 'skipped', reason: 'Python could not read the code within 10 seconds and 512 MB' };
    }
  }

  const typescript = new SourceReader();
  const typescriptNames = helperNames.map(camelCase);

  return async (code, { language = 'python', tool = null }) => {
    if (language === 'typescript') return checkTypeScript(typescript, code, typescriptNames, tool);
    if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await checkNow(code, tool);
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}

async function checkTypeScript(
  reader: SourceReader,
  code: string,
  helperNames: string[],
  tool: string | null,
): Promise<CodeCheck> {
  const error = (message: string) => ({ severity: 'error', line: null, column: null, message }) as const;
  if (tool !== null) {
    const message = `the settings name the tool ${tool}, and tools are written in Python`;
    return { outcome: 'checked', findings: [error(message)] };
  }
  try {
    const answer = await reader.read({ kind: 'check', code, helperNames });
    return { outcome: 'checked', findings: answer.kind === 'checked' ? answer.findings : [] };
  } catch (failure) {
    if (!(failure instanceof UnreadableSource)) return { outcome: 'skipped', reason: 'the code could not be read' };
    return { outcome: 'checked', findings: [error(failure.message)] };
  }
}

async function runPython(executable: string, input: string): Promise<string> {
  // Nothing of our environment: that holds secrets.
  const options = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: answerBytes, env: {}, cwd: '/' } as const;
  const running = promisify(execFile)(executable, [...flags, program], options);
  running.child.stdin?.on('error', () => undefined); // it died: the promise says so
  running.child.stdin?.end(input);
  return (await running).stdout;
}

type Interpreter = { readonly executable: string } | { readonly missing: string };

const Version = z.tuple([z.string(), z.int(), z.int(), z.string()]);
const versionProgram =
  'import json, sys; print(json.dumps([sys.executable, *sys.version_info[:2], sys.implementation.name]))';
const oldestMinor = 10;

/** With our own environment: the name may be a shim that needs it. */
async function findInterpreter(pythonPath: string): Promise<Interpreter> {
  try {
    const { stdout } = await promisify(execFile)(pythonPath, ['-I', '-c', versionProgram], { timeout: timeoutMs });
    const [executable, major, minor, implementation] = Version.parse(JSON.parse(stdout));
    if (implementation === 'cpython' && major === 3 && minor >= oldestMinor) return { executable };
    return { missing: `${pythonPath} is ${implementation} ${major}.${minor}, and handlers need CPython 3.10 or newer` };
  } catch {
    return { missing: `${pythonPath} cannot be run` };
  }
}
