import type { HandlerError } from '../contract/execution.ts';
import { limits } from '../domain/limits.ts';

/** What is searched for text in an error: `type: message` in lower case, the first characters of it. Null without one. */
export function errorTextOf(error: Pick<HandlerError, 'type' | 'message'> | null): string | null {
  if (error === null) return null;
  return searchable(`${error.type}: ${error.message}`).slice(0, limits.searchedErrorCharacters);
}

/** The same of what is searched for. Neither is stored as it is written: what the database cannot hold becomes a space. */
export function searchable(text: string): string {
  return text.toLowerCase().toWellFormed().replaceAll('\0', ' ');
}
