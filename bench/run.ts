/**
 * `npm run bench [ROW…]`: measures, prints a table, writes bench/results.json. Exits 1 when a bar does not hold or
 * when anything needed a second attempt.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { onCluster, tableOf, type BenchResult } from './result.ts';
import { calls } from './rows/calls.ts';
import { hundredHandlers } from './rows/hundred-handlers.ts';
import { longConversation } from './rows/long-conversation.ts';
import { oneEvent } from './rows/one-event.ts';
import { requests } from './rows/requests.ts';
import { start } from './rows/start.ts';
import { tenHandlers, tenHandlersMixed } from './rows/ten-handlers.ts';
import { testRun } from './rows/test-run.ts';
import { typeScriptHandlers } from './rows/typescript-handlers.ts';
import { cluster } from './servers/cluster.ts';
import { development } from './servers/development.ts';
import type { StartServers } from './servers/servers.ts';

/** What the product promises of an event: measured on both kinds of servers. */
const spine = { 'one-event': oneEvent, calls, 'ten-handlers': tenHandlers, 'long-conversation': longConversation };
const rows: Record<string, (servers: StartServers) => Promise<BenchResult[]>> = {
  ...spine,
  'typescript-handlers': typeScriptHandlers,
  'ten-handlers-mixed': tenHandlersMixed,
  'hundred-handlers': hundredHandlers,
  requests,
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
  results.push(...(await measure(development)));
  if (!(name in spine)) continue;
  console.error(`measuring ${name} on a cluster …`);
  results.push(...(await measure(cluster)).map(onCluster));
}
console.log(tableOf(results));
console.log(`${String(availableParallelism())} cores, Node ${process.versions.node}, medians of interleaved rounds`);
if (asked.length === 0) {
  await writeFile(new URL('./results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`);
}
process.exit(results.every(({ holds }) => holds) ? 0 : 1);
