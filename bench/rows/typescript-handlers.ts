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
    row('Deno executions/s of the cage alone', '1/s', { value: await executionsPerSecond() }, { atLeast: 60 }),
  ];
}

function executionsPerSecond(): Promise<number> {
  return withSandbox(async (sandbox) => {
    const run = () => runWell(sandbox, withoutCallsInTypeScript);
    await run();
    const from = performance.now();
    await eachWithConcurrency(Array.from({ length: executions }), atOnce, run);
    return (executions * 1_000) / (performance.now() - from);
  });
}
