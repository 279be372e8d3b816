/**
 * `npm run bench [ROW…] [development|cluster]`: measures, prints a table, writes bench/results.json. Exits 1 when a bar does not hold or
 * when anything needed a second attempt.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { lineOf, onCluster, replaced, tableOf, type BenchResult } from './result.ts';
import { analytics } from './api/analytics.ts';
import { withApiBench } from './api/api-bench.ts';
import { lists } from './api/lists.ts';
import { publishing } from './api/publishing.ts';
import { calls } from './rows/calls.ts';
import { hundredHandlers } from './rows/hundred-handlers.ts';
import { longConversation } from './rows/long-conversation.ts';
import { oneEvent } from './rows/one-event.ts';
import { requests } from './rows/requests.ts';
import { sandbox } from './rows/sandbox.ts';
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
  sandbox,
  requests,
  'test-run': testRun,
  start,
  'api-publishing': () => withApiBench(publishing),
  'api-lists': lists,
  'api-analytics': analytics,
};

const kinds: Record<string, StartServers> = { development, cluster };

const asked = process.argv.slice(2);
/** By its name or the beginning of it: `api` for all of the API. */
const means = (given: string, name: string) => name === given || name.startsWith(`${given}-`);
const unknown = asked.filter(
  (given) => ![...Object.keys(rows), ...Object.keys(kinds)].some((name) => means(given, name)),
);
if (unknown.length > 0) {
  const known = [...Object.keys(rows), ...Object.keys(kinds)].join(', ');
  console.error(`There is no row ${unknown.join(', ')}; there are: ${known}.`);
  process.exit(2);
}
/** All of them where none is named. */
const wanted = (name: string, among: object) =>
  asked.some((given) => means(given, name)) ||
  !asked.some((given) => Object.keys(among).some((one) => means(given, one)));

const results: BenchResult[] = [];
for (const [kind, servers] of Object.entries(kinds)) {
  if (!wanted(kind, kinds)) continue;
  for (const [name, measure] of Object.entries(kind === 'cluster' ? spine : rows)) {
    if (!wanted(name, rows)) continue;
    console.error(`measuring ${name} (${kind}) …`);
    const measured = await measure(servers);
    results.push(...(kind === 'cluster' ? measured.map(onCluster) : measured));
    for (const result of measured) console.error(`  ${lineOf(result)}`);
  }
}
console.log(tableOf(results));
console.log(`${String(availableParallelism())} cores, Node ${process.versions.node}, medians of interleaved rounds`);
const file = new URL('./results.json', import.meta.url);
const before = JSON.parse(await readFile(file, 'utf8')) as BenchResult[];
// Rows that were not measured now keep what they had.
await writeFile(file, `${JSON.stringify(replaced(before, results), null, 2)}\n`);
process.exit(results.every(({ holds }) => holds) ? 0 : 1);
