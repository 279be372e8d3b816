import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { errorTable } from '../../src/domain/errors.ts';
import type { ErrorEntry } from '../../src/domain/errors.ts';

const page = readFileSync(join(packageRoot, 'docs', 'errors.md'), 'utf8');
const rows = page
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter((cells) => cells[1]?.startsWith('`'));

function rowOf(code: string, { httpStatus, retryable, title, mend }: ErrorEntry): string[] {
  return ['', `\`${code}\``, String(httpStatus), retryable ? 'yes' : 'no', title, mend, ''];
}

test('docs/errors.md lists exactly the codes of the error table, with their status and advice', () => {
  expect(rows).toEqual(Object.entries(errorTable).map(([code, entry]) => rowOf(code, entry)));
});
