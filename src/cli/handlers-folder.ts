import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HandlerPush, HandlerSettings } from '../contract/handler.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { readCode } from './code-file.ts';
import type { Code } from './code-file.ts';
import { fileFault } from './event-file.ts';
import { handlersFileName, parseHandlersFile } from './handlers-file.ts';
import type { FolderHandler, ParsedHandlersFile } from './handlers-file.ts';
import { plural } from './text.ts';

/** handlers.yaml of a folder. Throws `invalid_file` with everything that is wrong; undefined where there is none. */
export async function readHandlersFile(folder: string): Promise<ParsedHandlersFile | undefined> {
  const path = join(folder, handlersFileName);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new AfterwordError('invalid_file', `${path} cannot be read: ${fileFault(error)}.`, { cause: error });
  }
  const parsed = parseHandlersFile(text);
  if ('faults' in parsed) throw faultsIn(folder, parsed.faults);
  return parsed;
}

export interface FolderPush {
  /** As handlers.yaml names it. */
  readonly file: string;
  readonly push: HandlerPush;
}

/** What a push of this folder sends. Throws `invalid_file` naming every fault: nothing is pushed when one is wrong. */
export async function readHandlersFolder(folder: string, note?: string): Promise<FolderPush[]> {
  const file = await readHandlersFile(folder);
  if (file === undefined) {
    throw new AfterwordError(
      'invalid_file',
      `${join(folder, handlersFileName)} is not there. It names the handlers of the folder; \`afterword handlers push --help\` shows one.`,
    );
  }
  const faults: FieldError[] = [];
  const pushes: FolderPush[] = [];
  for (const [index, handler] of file.handlers.entries()) {
    const code = await readCode(folder, handler.file);
    if ('fault' in code) faults.push(file.fault(['handlers', index, 'file'], `${handler.file}: ${code.fault}`));
    else
      pushes.push({ file: handler.file, push: { ...toPush(handler, code), ...(note === undefined ? {} : { note }) } });
  }
  if (faults.length > 0) throw faultsIn(folder, faults);
  return pushes;
}

function toPush(handler: FolderHandler, { text, language }: Code): HandlerPush {
  return {
    name: handler.name,
    eventType: handler.event,
    language,
    code: text,
    settings: settingsOf(handler),
    ...(handler.enabled === undefined ? {} : { enabled: handler.enabled }),
  };
}

/** What the entry says and what it leaves out, as the server keeps it. */
export function settingsOf(entry: FolderHandler) {
  const { attempts = limits.defaultAttempts, delaySeconds, cancelOn, ...rest } = entry;
  const { tool, globals, constants, secrets, egress, limits: own } = rest;
  return {
    attempts,
    ...(delaySeconds === undefined ? {} : { delaySeconds }),
    ...(cancelOn === undefined ? {} : { cancelOn }),
    ...(tool === undefined ? {} : { tool }),
    ...(globals === undefined ? {} : { globals }),
    ...(constants === undefined ? {} : { constants }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(egress === undefined ? {} : { egress }),
    ...(own === undefined ? {} : { limits: own }),
  } satisfies HandlerSettings;
}

export function faultsIn(folder: string, faults: readonly FieldError[]): AfterwordError {
  return new AfterwordError('invalid_file', `${plural(faults.length, 'fault')} in ${folder}:`, { fields: faults });
}
