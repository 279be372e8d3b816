import { readFile, realpath } from 'node:fs/promises';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { fileFault } from './event-file.ts';

const languages: Readonly<Record<string, HandlerLanguage>> = { '.py': 'python', '.ts': 'typescript' };

/** How a file of this language ends. */
export function extensionOf(language: HandlerLanguage): string {
  return language === 'python' ? '.py' : '.ts';
}

export interface Code {
  readonly text: string;
  readonly language: HandlerLanguage;
}

export interface CodeFault {
  /** In words, without the file's name. */
  readonly fault: string;
  readonly kind: 'missing' | 'outside' | 'content';
}

const notCode: CodeFault = {
  fault: `a handler’s file ends in ${Object.keys(languages).join(' or ')}`,
  kind: 'content',
};

/** A handler's file inside `folder`, symbolic links followed; its fault as a value where it cannot be a handler. */
export async function readCode(folder: string, file: string): Promise<Code | CodeFault> {
  const language = languages[extname(file)];
  if (language === undefined) return notCode;
  if (!(await isInside(folder, file))) {
    return { fault: `it lies outside the folder; move it below ${folder}`, kind: 'outside' };
  }
  return await readDecoded(join(folder, file), language);
}

/** A file by its path, wherever it lies. Throws `invalid_file`. */
export async function readCodeFile(cwd: string, file: string): Promise<Code> {
  const path = resolve(cwd, file);
  const language = languages[extname(path)];
  const code = language === undefined ? notCode : await readDecoded(path, language);
  if ('fault' in code) throw new AfterwordError('invalid_file', `${file} cannot be used: ${code.fault}.`);
  return code;
}

async function readDecoded(path: string, language: HandlerLanguage): Promise<Code | CodeFault> {
  try {
    return decoded(await readFile(path), language);
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return { fault: fileFault(error), kind: missing ? 'missing' : 'content' };
  }
}

function decoded(bytes: Buffer, language: HandlerLanguage): Code | CodeFault {
  if (bytes.byteLength > limits.handlerCodeBytes) {
    const [size, allowed] = [Math.ceil(bytes.byteLength / 1024), limits.handlerCodeBytes / 1024];
    return { fault: `it is too large: ${size} KB, and a handler may have ${allowed} KB`, kind: 'content' };
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { fault: 'it is not UTF-8 text; save it as UTF-8', kind: 'content' };
  }
  if (text.trim() === '') return { fault: 'it is empty', kind: 'content' };
  return text.includes('\0') ? { fault: 'it holds a NUL character', kind: 'content' } : { text, language };
}

/** Also of a file that is not there yet: what exists of its path decides. */
async function isInside(folder: string, file: string): Promise<boolean> {
  const path = resolve(folder, file);
  if (!isBelow(resolve(folder), path)) return false;
  const root = await realpath(folder).catch(() => undefined);
  if (root === undefined) return true;
  for (let existing = path; existing !== resolve(folder); existing = dirname(existing)) {
    const real = await realpath(existing).catch(() => undefined);
    if (real !== undefined) return isBelow(root, real);
  }
  return true;
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
