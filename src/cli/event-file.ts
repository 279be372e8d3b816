import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { JsonObject } from '../contract/json.ts';
import { limits } from '../domain/limits.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { FieldError } from '../domain/errors.ts';
import { describeJsonError, lineOfJsonPath } from './source-position.ts';
import type { PathKey } from './source-position.ts';

/** One event of a file, not yet checked: the receiver says what is wrong with it. */
export interface FileEvent {
  readonly value: JsonObject;
  /** Names an event's field as `closed.json, line 4: conversation.id`. */
  place(fields: readonly FieldError[]): FieldError[];
}

export interface EventFile {
  readonly events: readonly FileEvent[];
  /** Whether the file holds an array, be it of one. */
  readonly isList: boolean;
}

/** `file` may be `-`: `stdin` to its end. Throws `invalid_file` saying where. */
export async function readEventFile(file: string, cwd: string, stdin: NodeJS.ReadableStream): Promise<EventFile> {
  const name = file === '-' ? 'standard input' : file;
  const text = (file === '-' ? await readAll(stdin) : await readText(resolve(cwd, file), name)).replace(/^\ufeff/, '');
  const parsed = parse(text, name);
  const isList = Array.isArray(parsed);
  const values: unknown[] = isList ? parsed : [parsed];
  if (values.length === 0) throw new AfterwordError('invalid_file', `${name} holds no event: the list is empty.`);
  if (values.length > limits.eventsPerRequest) {
    throw new AfterwordError(
      'invalid_file',
      `${name} holds ${values.length} events; at most ${limits.eventsPerRequest} at once.`,
    );
  }
  return { isList, events: values.map((value, index) => toEvent(value, isList ? [index] : [], text, name)) };
}

function toEvent(value: unknown, prefix: readonly PathKey[], text: string, name: string): FileEvent {
  const place = (path: readonly PathKey[]) => {
    const line = lineOfJsonPath(text, [...prefix, ...path]);
    return line === undefined ? name : `${name}, line ${line}`;
  };
  if (!isObject(value)) {
    throw new AfterwordError('invalid_file', `${place([])}: an event is an object {"type": …, "conversation": …}.`);
  }
  return {
    value,
    place: (fields) => fields.map(({ field, message }) => ({ field: `${place(toPath(field))}: ${field}`, message })),
  };
}

function toPath(field: string): PathKey[] {
  return field.split('.').map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

/** What JSON.parse made is JSON. */
function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string, name: string): unknown {
  if (text.trim() === '')
    throw new AfterwordError('invalid_file', `${name} is empty; it should hold an event as JSON.`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AfterwordError('invalid_file', `${name} is not JSON: ${describeJsonError(text, error)}.`, {
      cause: error,
    });
  }
}

async function readText(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AfterwordError('invalid_file', `${name} cannot be read: ${fileFault(error)}.`, { cause: error });
  }
}

/** A file system error in words, without the path. */
export function fileFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const words: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is not a folder',
    EACCES: 'reading it is not permitted',
  };
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}
