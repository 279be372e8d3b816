import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ReadStream } from 'node:tty';
import { AfterwordError } from '../domain/errors.ts';
import type { CliEnvironment } from './environment.ts';
import { fileFault } from './event-file.ts';

/** From the file, else asked for on a terminal, else standard input to its end. Throws `invalid_file`, `invalid_usage`. */
export async function readSecretValue(
  { stdin, stderr, cwd, signal }: Pick<CliEnvironment, 'stdin' | 'stderr' | 'cwd' | 'signal'>,
  name: string,
  file: string | undefined,
): Promise<string> {
  if (file !== undefined) return textOf(await readBytes(resolve(cwd, file), file), file);
  if (stdin instanceof ReadStream) return await askFor(name, stdin, stderr, signal);
  return textOf(await buffer(stdin), 'standard input');
}

async function readBytes(path: string, shown: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new AfterwordError('invalid_file', `${shown} cannot be read: ${fileFault(error)}.`, { cause: error });
  }
}

/** Editors and `echo` end what they write with a line end, which is no part of a secret. */
function textOf(bytes: Buffer, from: string): string {
  if (!isUtf8(bytes)) {
    throw new AfterwordError('invalid_file', `${from} does not hold text: encode it, as base64 for example.`);
  }
  const text = bytes.toString('utf8').replace(/\r?\n$/u, '');
  if (text === '') throw new AfterwordError('invalid_file', `${from} is empty; it should hold the value.`);
  return text;
}

const keys = { enter: ['\r', '\n', '\u0004'], back: ['\u007f', '\b'], interrupt: '\u0003' };

/** One line, none of it shown. */
async function askFor(
  name: string,
  terminal: ReadStream,
  stderr: NodeJS.WritableStream,
  signal: AbortSignal,
): Promise<string> {
  // Before anybody is asked: until then the terminal shows what is typed.
  terminal.setRawMode(true);
  terminal.setEncoding('utf8');
  const interrupt = () => terminal.destroy(new Error('It was interrupted.'));
  signal.addEventListener('abort', interrupt, { once: true });
  stderr.write(`Value of ${name} (not shown): `);
  try {
    return await readLine(terminal.iterator({ destroyOnReturn: false }));
  } finally {
    signal.removeEventListener('abort', interrupt);
    if (!terminal.destroyed) terminal.setRawMode(false).pause();
    stderr.write('\n');
  }
}

async function readLine(terminal: AsyncIterable<unknown>): Promise<string> {
  const typed: string[] = [];
  for await (const chunk of terminal) {
    for (const character of String(chunk)) {
      if (keys.enter.includes(character)) return typed.join('');
      if (character === keys.interrupt)
        throw new AfterwordError('invalid_usage', 'Nothing was set: it was interrupted.');
      if (keys.back.includes(character)) typed.pop();
      else typed.push(character);
    }
  }
  return typed.join('');
}
