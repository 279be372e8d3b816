/**
 * `npm run bench [ROW…]`: measures, prints a table, writes bench/results.json. Exits 1 when a bar does not hold or
 * when anything needed a second attempt.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import Table from 'cli-table3';
import type { BenchResult } from './result.ts';
import { calls } from './rows/calls.ts';
import { longConversation } from './rows/long-conversation.ts';
import { oneEvent } from './rows/one-event.ts';
import { requests } from './rows/requests.ts';
import { start } from './rows/start.ts';
import { tenHandlers } from './rows/ten-handlers.ts';
import { testRun } from './rows/test-run.ts';

const rows: Record<string, () => Promise<BenchResult[]>> = {
  'one-event': oneEvent,
  calls,
  requests,
  'ten-handlers': tenHandlers,
  'long-conversation': longConversation,
  'test-run': testRun,
  start,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in rows));
if (unknown.length > 0) {
  console.error(`There is no row ${unknown.join(', ')}; there are: ${Object.keys(rows).join(', ')}.`);
  process.exit(2);
}

const results: BenchResult[] = [];
for (const [name, measure] of Object.entries(rows)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  console.error(`measuring ${name} …`);
  results.push(...(await measure()));
}

const table = new Table({ head: ['', 'value', 'floor', 'ratio', 'bar', 'holds'], style: { head: [], border: [] } });
for (const { name, value, unit, floor, ratio, bar, holds } of results) {
  table.push([name, `${String(value)} ${unit}`, floor ?? '', ratio ?? '', bar ?? '', holds ? 'yes' : 'NO']);
}
console.log(table.toString());
console.log(`${String(availableParallelism())} cores, Node ${process.versions.node}, medians of interleaved rounds`);
if (asked.length === 0) {
  await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
}
process.exit(results.every(({ holds }) => holds) ? 0 : 1);
