import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import { fileFault } from './event-file.ts';
import { describeJsonError } from './source-position.ts';

const SettingsObject = z.record(z.string(), z.unknown());

/** The JSON object of a file; its fields are not yet checked: the server says what is wrong with them. Throws `invalid_file`. */
export async function readSinkSettings(cwd: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const text = (await readSettingFile(cwd, file)).replace(/^\ufeff/u, '');
  const settings = SettingsObject.safeParse(parse(text, file));
  if (settings.success) return settings.data;
  throw new AfterwordError('invalid_file', `${file} should hold an object, such as {"url": "https://…"}.`);
}

/** Throws `invalid_file`. */
export async function readSettingFile(cwd: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), 'utf8');
  } catch (error) {
    throw new AfterwordError('invalid_file', `${file} cannot be read: ${fileFault(error)}.`, { cause: error });
  }
}

function parse(text: string, file: string): unknown {
  if (text.trim() === '')
    throw new AfterwordError('invalid_file', `${file} is empty; it should hold settings as JSON.`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new AfterwordError('invalid_file', `${file} is not JSON: ${describeJsonError(text, error)}.`, {
      cause: error,
    });
  }
}
