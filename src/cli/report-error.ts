import { CommanderError } from 'commander';
import { AfterwordError, errorTable } from '../domain/errors.ts';
import type { ErrorCode, FieldError } from '../domain/errors.ts';
import { ApiProblem } from './http.ts';
import { printable } from './text.ts';

/** Wrong before anything was sent: the command line, a file, the environment. */
const usageCodes: ReadonlySet<ErrorCode> = new Set(['invalid_usage', 'invalid_file', 'bad_configuration']);

export interface ErrorReport {
  readonly code: string;
  /** What and where. */
  readonly message: string;
  readonly mend: string;
  readonly fields: readonly FieldError[];
  readonly exitCode: 1 | 2;
}

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof ApiProblem) {
    return { code: error.code, message: error.message, mend: error.mend, fields: error.fields, exitCode: 1 };
  }
  if (error instanceof AfterwordError) {
    const exitCode = usageCodes.has(error.code) ? 2 : 1;
    return { code: error.code, message: error.message, mend: error.entry.mend, fields: error.fields, exitCode };
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '');
    return { code: 'invalid_usage', message, mend: errorTable.invalid_usage.mend, fields: [], exitCode: 2 };
  }
  return {
    code: 'internal',
    message: error instanceof Error ? error.message : String(error),
    mend: 'This is a fault of the command line itself; please report it with the command that you ran.',
    fields: [],
    exitCode: 1,
  };
}

/** For people: what, where and how to mend it. */
export function reportText(report: ErrorReport): string {
  const places = report.fields
    .filter(({ field, message }) => !(report.message.includes(field) && report.message.includes(message)))
    .map(({ field, message }) => `\n  ${field === '' ? '' : `${field}: `}${message}`);
  const mend = report.mend === '' ? '' : `\n  → ${report.mend}`;
  return printable(`error: ${report.message} (${report.code})${places.join('')}${mend}\n`);
}

export function reportJson(report: ErrorReport): string {
  const { code, message, mend, fields } = report;
  return `${JSON.stringify({ error: { code, message, mend, ...(fields.length === 0 ? {} : { fields }) } })}\n`;
}
