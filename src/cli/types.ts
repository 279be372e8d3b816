import { readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { AfterwordError } from '../domain/errors.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';

interface TypesOptions {
  out?: string;
  check?: true;
}

const fileName = 'afterword.d.ts';

export function addTypesCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('types')
    .description('the types that TypeScript handlers are written with, for editors; needs no server')
    .option('--out <file>', `write them to this file, or as ${fileName} into this folder; left out: to stdout`)
    .option('--check', 'write nothing; exit with 1 where the file of --out is not what would be written')
    .addHelpText(
      'after',
      `
Examples:
  afterword types --out handlers            write handlers/${fileName}
  afterword types --out handlers --check    is it up to date?

A handler then says, in the same folder:
  export async function handleEvent(context: ClosedContext, helpers: Helpers) { … }`,
    )
    .action(async ({ out, check }: TypesOptions, command: Command) => {
      const { output } = openInvocation(environment, command);
      // Every helper's schemas: for this command only.
      const { declarations, firstLine } = await import('../handler-types/declarations.ts');
      const text = declarations();
      if (out === undefined) {
        if (check === true) throw new AfterwordError('invalid_usage', 'Say by --out which file --check is to look at.');
        output.result({ types: text }, () => text.trimEnd());
        return;
      }
      const file = await fileOf(resolve(environment.cwd, out));
      const there = await textOf(file);
      const changed = there !== text;
      if (check === true && changed) {
        const what = there === undefined ? 'is not there' : 'is not what this version of afterword would write';
        throw new AfterwordError('types_outdated', `${file} ${what}.`);
      }
      if (changed) {
        if (there?.startsWith(firstLine) === false) throw foreign(file);
        await write(file, text);
      }
      output.result({ file, changed }, () => `${file} ${changed ? 'is written.' : 'is up to date.'}`);
    });
}

async function fileOf(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? join(path, fileName) : path;
}

async function textOf(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch(() => undefined);
}

/** Nothing is written over but what this command wrote before. */
function foreign(file: string): AfterwordError {
  const message = `${file} was not written by \`afterword types\`. Name another file, or remove it.`;
  return new AfterwordError('invalid_usage', message);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AfterwordError('invalid_usage', `${file} cannot be written: ${reason}`, { cause: error });
  }
}
