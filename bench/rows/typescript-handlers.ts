import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import { runWell, withSandbox } from '../cage-run.ts';
import { publishAndSettle, withBenchSystem } from '../bench-system.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import type { StartServers } from '../servers/servers.ts';
import { withoutCalls, withoutCallsInTypeScript } from './handlers.ts';

const rounds = 5;
const events = 15;
const executions = 200;
const atOnce = 2;
const nothing = join(import.meta.dirname, '../programs/nothing.js');
const bare = [
  '--quiet',
  '--no-config',
  '--no-lock',
  '--no-npm',
  '--no-remote',
  '--cached-only',
  '--no-check',
  '--no-code-cache',
];

/** An event with one handler in TypeScript against one in Python, and what the cage does by itself. */
export async function typeScriptHandlers(servers: StartServers): Promise<BenchResult[]> {
  const time = await withBenchSystem(servers, async ({ organization }) => {
    const python = await organization({ handler: withoutCalls });
    const typescript = await organization({ handler: withoutCallsInTypeScript });
    const measure = async ({ client }: typeof python) => median(await timeEach(events, () => publishAndSettle(client)));
    await measure(python);
    await measure(typescript);
    return interleaved(
      rounds,
      () => measure(typescript),
      () => measure(python),
    );
  });
  return [
    row('TypeScript handler, pool warm, against one in Python', 'ms', time, { atMost: 1.3 }),
    row('Deno executions/s of the cage alone', '1/s', await executionsPerSecond(), { atLeast: 60 }),
  ];
}

/** The floor: as many Denos that find nothing to do, without a cage. */
async function executionsPerSecond(): Promise<{ value: number; floor: number }> {
  return withSandbox(async (sandbox) => {
    const { executable } = sandbox.deno;
    if (executable === null) throw new Error(`no Deno: ${sandbox.deno.detail}`);
    const value = await perSecond(() => runWell(sandbox, withoutCallsInTypeScript));
    const folder = await mkdtemp(join(tmpdir(), 'afterword-bench-'));
    try {
      const env = { HOME: folder, DENO_DIR: folder, DENO_NO_UPDATE_CHECK: '1' };
      const floor = await perSecond(() => promisify(execFile)(executable, ['run', ...bare, nothing], { env }));
      return { value, floor };
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

async function perSecond(run: () => Promise<unknown>): Promise<number> {
  await run();
  const from = performance.now();
  await eachWithConcurrency(Array.from({ length: executions }), atOnce, run);
  return (executions * 1_000) / (performance.now() - from);
}
