// The closing line of a run, from vitest's JSON report: node scripts/count-tests.mjs REPORT
// A file that could not be loaded and an error outside any test count as one failure each.
import { readFileSync } from 'node:fs';

const report = read();
const suites = report.testResults.filter(({ status, assertionResults }) => {
  return status === 'failed' && !assertionResults.some((test) => test.status === 'failed');
});
const passed = report.numPassedTests;
const unexplained = report.success || report.numFailedTests > 0 || suites.length > 0 ? 0 : 1;
const failed = report.numFailedTests + suites.length + unexplained;
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (failed > 0 || passed === 0) process.exitCode = 1;

/**
 * @returns {{ success: boolean, numPassedTests: number, numFailedTests: number, numPendingTests: number,
 *   numTodoTests: number, testResults: { status: string, assertionResults: { status: string }[] }[] }}
 */
function read() {
  try {
    return JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
  } catch {
    console.log('The tests ended without a report.');
    console.log('0 passed, 1 failed');
    process.exit(1);
  }
}
