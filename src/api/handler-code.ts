import { AfterwordError } from '../domain/errors.ts';

/** Text that the store and the cage could not carry. The store checks the size. Throws `invalid_handler`. */
export function checkHandlerCode(code: string): void {
  if (code.includes('\0')) throw fault(`contains the character U+0000 in line ${lineOf(code, '\0')}`);
  const half = /\p{Surrogate}/u.exec(code);
  if (half !== null) throw fault(`is not valid Unicode: half of a surrogate pair in line ${lineOf(code, half[0])}`);
}

function lineOf(code: string, found: string): number {
  return code.slice(0, code.indexOf(found)).split('\n').length;
}

function fault(message: string): AfterwordError {
  return new AfterwordError('invalid_handler', `The code ${message}.`, { fields: [{ field: 'code', message }] });
}
