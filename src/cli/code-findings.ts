import type { CodeFinding } from '../contract/handler.ts';
import type { FieldError } from '../domain/errors.ts';
import { oneLine } from './text.ts';

/** Of one file. */
export interface FileFindings {
  readonly file: string;
  readonly findings: readonly CodeFinding[];
}

/** The errors of all files, each with its place. */
export function errorsIn(files: readonly FileFindings[]): FieldError[] {
  return files.flatMap(({ file, findings }) =>
    findings
      .filter(({ severity }) => severity === 'error')
      .map((finding) => ({ field: placeOf(file, finding), message: finding.message })),
  );
}

/** One line a warning, for people. */
export function warningsIn({ file, findings }: FileFindings): string[] {
  return findings
    .filter(({ severity }) => severity === 'warning')
    .map((finding) => `warning: ${oneLine(`${placeOf(file, finding)}: ${finding.message}`)}`);
}

function placeOf(file: string, { line, column }: CodeFinding): string {
  if (line === null) return file;
  return `${file}, line ${line}${column === null ? '' : `, column ${column}`}`;
}
