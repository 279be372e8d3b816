import type { HandlerLanguage } from '../contract/handler-language.ts';
import { AfterwordError } from './errors.ts';
import { limits } from './limits.ts';

/** Throws `invalid_handler`. */
export function refuseLargeCode(code: string): void {
  const bytes = Buffer.byteLength(code);
  if (bytes > limits.handlerCodeBytes) {
    throw codeFault(`The code has ${String(bytes)} bytes; at most ${String(limits.handlerCodeBytes)} are taken.`);
  }
}

/** The Weni toolkit is Python. Throws `invalid_handler`. */
export function refuseToolIn(language: HandlerLanguage, tool: string | undefined): void {
  if (language === 'python' || tool === undefined) return;
  const message = `Tools are written in Python: the settings name the tool ${tool}, and the code is TypeScript.`;
  throw new AfterwordError('invalid_handler', message, { fields: [{ field: 'settings.tool', message }] });
}

/** Text that the store and the cage could not carry. Throws `invalid_handler`. */
export function refuseUnreadableCode(code: string): void {
  if (code.includes('\0')) throw codeFault(`The code contains the character U+0000 in line ${lineOf(code, '\0')}.`);
  const half = /\p{Surrogate}/u.exec(code);
  if (half === null) return;
  throw codeFault(`The code is not valid Unicode: half of a surrogate pair in line ${lineOf(code, half[0])}.`);
}

function lineOf(code: string, found: string): string {
  return String(code.slice(0, code.indexOf(found)).split('\n').length);
}

function codeFault(message: string): AfterwordError {
  return new AfterwordError('invalid_handler', message, { fields: [{ field: 'code', message }] });
}
