import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';

const folder = mkdtempSync(join(tmpdir(), 'afterword-count-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function closingLine(report: object | string) {
  const file = join(folder, 'report.json');
  writeFileSync(file, typeof report === 'string' ? report : JSON.stringify(report));
  const run = spawnSync(process.execPath, [join(packageRoot, 'scripts', 'count-tests.mjs'), file], {
    encoding: 'utf8',
  });
  return { line: run.stdout.trim().split('\n').at(-1), status: run.status };
}

const report = (passed: number, failed: number, more: object = {}) => ({
  success: failed === 0,
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
  ...more,
});

test('counts what passed', () => {
  expect(closingLine(report(12, 0))).toEqual({ line: '12 passed, 0 failed', status: 0 });
});

test('counts what failed, and fails', () => {
  expect(closingLine(report(12, 3))).toEqual({ line: '12 passed, 3 failed', status: 1 });
});

test('names what was skipped', () => {
  const skipped = report(12, 0, { numPendingTests: 1, numTodoTests: 1 });
  expect(closingLine(skipped)).toEqual({ line: '12 passed, 0 failed, 2 skipped', status: 0 });
});

test('a file that cannot be loaded is a failure', () => {
  const broken = report(12, 0, { success: false, testResults: [{ status: 'failed', assertionResults: [] }] });
  expect(closingLine(broken)).toEqual({ line: '12 passed, 1 failed', status: 1 });
});

test('an error outside the tests is a failure', () => {
  expect(closingLine(report(12, 0, { success: false }))).toEqual({ line: '12 passed, 1 failed', status: 1 });
});

test('no test at all is a failure', () => {
  expect(closingLine(report(0, 0)).status).toBe(1);
});

test('no report is a failure', () => {
  expect(closingLine('')).toEqual({ line: '0 passed, 1 failed', status: 1 });
});
