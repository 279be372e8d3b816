import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CheckedCode } from '../contract/handler.ts';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { AfterwordError } from '../domain/errors.ts';
import { createCodeCheck, type CheckCode } from '../sandbox/code-check.ts';
import { readCodeFile } from './code-file.ts';
import { errorsIn, warningsIn, type FileFindings } from './code-findings.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { fileFault } from './event-file.ts';
import { readHandlersFolder } from './handlers-folder.ts';
import { plural } from './text.ts';

export function addValidate(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('validate')
    .description('check a file or a folder’s handlers without running them; needs no server')
    .argument('[path]', 'a file with code, or a folder with a handlers.yaml', '.')
    .addHelpText(
      'after',
      `
Looks for faults of syntax, a missing handle_event or Tool (in TypeScript handleEvent), and names that nothing defines,
misspelt helpers among them. Python code is read by this machine’s Python (AFTERWORD_PYTHON); nothing is run. Exit code 1 when there is an error.`,
    )
    .action(async (path: string, _options: object, command: Command) => {
      const { output } = openInvocation(environment, command);
      const programs = await programsAt(environment.cwd, path);
      const checkCode = await localCheck(environment);
      const items: FileFindings[] = [];
      for (const { file, code, language, tool } of programs) {
        items.push({ file, findings: checked(await checkCode(code, { language, tool })).findings });
      }
      output.result({ items }, () => items.map((item) => summary(item)).join('\n'));
      const errors = errorsIn(items);
      if (errors.length === 0) return;
      const wrong = items.filter((item) => errorsIn([item]).length > 0);
      const message = `${plural(errors.length, 'error')} in ${wrong.length} of ${plural(items.length, 'file')}:`;
      throw new AfterwordError('invalid_handler', message, { fields: errors });
    });
}

interface Program {
  readonly file: string;
  readonly code: string;
  readonly language: HandlerLanguage;
  readonly tool: string | undefined;
}

async function programsAt(cwd: string, path: string): Promise<Program[]> {
  const found = await stat(resolve(cwd, path)).catch((error: unknown) => {
    throw new AfterwordError('invalid_file', `${path} cannot be read: ${fileFault(error)}.`, { cause: error });
  });
  if (!found.isDirectory()) {
    const { text, language } = await readCodeFile(cwd, path);
    return [{ file: path, code: text, language, tool: undefined }];
  }
  const pushes = await readHandlersFolder(resolve(cwd, path));
  return pushes.map(({ file, push: { code, language, settings } }) => ({ file, code, language, tool: settings.tool }));
}

/** The helpers are loaded for this command only: with all they use they take longer than the others run. */
async function localCheck(environment: CliEnvironment): Promise<CheckCode> {
  const { helpers } = await import('../helpers/registry.ts');
  const pythonPath = environment.loadConfig().python ?? 'python3';
  return createCodeCheck({ pythonPath, helperNames: helpers.map(({ name }) => name) });
}

function checked(check: Awaited<ReturnType<CheckCode>>): Pick<CheckedCode, 'findings'> {
  if (check.outcome === 'checked') return { findings: [...check.findings] };
  throw new AfterwordError('python_missing', `The code could not be checked: ${check.reason}.`);
}

function summary(item: FileFindings): string {
  const warnings = warningsIn(item);
  const verdict = errorsIn([item]).length > 0 ? 'wrong' : 'ok';
  return [`${item.file}: ${verdict}`, ...warnings.map((warning) => `  ${warning}`)].join('\n');
}
