import type { CheckedCode, CodeFinding } from '../contract/handler.ts';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { AfterwordError } from '../domain/errors.ts';
import { refuseLargeCode, refuseUnreadableCode } from '../domain/handler-code.ts';

/** Says what is wrong with code without running it; never rejects. */
export type CheckCode = (
  code: string,
  settings: { readonly language?: HandlerLanguage; readonly tool?: string | undefined },
) => Promise<
  | { readonly outcome: 'checked'; readonly findings: readonly CodeFinding[] }
  | { readonly outcome: 'skipped'; readonly reason: string }
>;

/** Throws `invalid_handler` for text that is no code at all: too long, or not storable. */
export function refuseNoCode(code: string): void {
  refuseLargeCode(code);
  refuseUnreadableCode(code);
}

/** Everything that is found in the code. */
export async function findFaults(
  checkCode: CheckCode,
  code: string,
  settings: Parameters<CheckCode>[1],
): Promise<CheckedCode> {
  const check = await checkCode(code, settings);
  return check.outcome === 'checked'
    ? { outcome: 'checked', findings: [...check.findings], reason: null }
    : { outcome: 'skipped', findings: [], reason: check.reason };
}

/** Of code that is taken as it is. */
export const uncheckedCode: CheckedCode = { outcome: 'skipped', findings: [], reason: 'the push asked for it' };

/** A push is not refused for it: the secret may be set later. */
export function withMissingSecrets(check: CheckedCode, names: readonly string[]): CheckedCode {
  const findings = names.map((name): CodeFinding => ({
    severity: 'warning',
    line: null,
    column: null,
    message: `the settings name the secret ${name}, which does not exist: until it is set with \`afterword secrets set ${name}\` the handler fails`,
  }));
  return { ...check, findings: [...check.findings, ...findings] };
}

/** Throws `invalid_handler` naming line and column of every error; warnings pass. */
export function refuseErrors({ findings }: CheckedCode): void {
  const errors = findings.filter(({ severity }) => severity === 'error').map((finding) => placed(finding));
  const [first] = errors;
  if (first === undefined) return;
  const fields = errors.map((message) => ({ field: 'code', message }));
  throw new AfterwordError('invalid_handler', `The code cannot work: ${first}.`, { fields });
}

function placed({ line, column, message }: CodeFinding): string {
  if (line === null) return message;
  return `line ${line}${column === null ? '' : `, column ${column}`}: ${message}`;
}
