import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/config/package-root.ts';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { pythonPath, runCaged, runWell, withSandbox } from '../cage-run.ts';
import { interleaved, median, timeEach } from '../measure.ts';
import { row, type BenchResult } from '../result.ts';
import { oneCallAndLine, spinning } from './handlers.ts';
import { growthOf, memoryPerExecution } from './sandbox-usage.ts';

const rounds = 5;
const runs = 30;
const executions = 1_000;
/** Until those that wait ahead are whole again. */
const refillMs = 500;

/** What the cage costs, by itself. */
export async function sandbox(): Promise<BenchResult[]> {
  return withSandbox(async (cage) => [
    ...(await python(cage)),
    ...(await typescript(cage)),
    ...(await limitToGone(cage)),
    row('memory of one running Python handler', 'MB', await memoryPerExecution(cage, 'python'), { atMost: 5 }),
    row('memory of one running TypeScript handler', 'MB', await memoryPerExecution(cage, 'typescript'), { atMost: 35 }),
    row('10,000 executions: the most that anything grew', '×', await growthOf(cage), { atMost: 1.05 }),
  ]);
}

async function python(cage: HandlerSandbox): Promise<BenchResult[]> {
  const run = () => runWell(cage, oneCallAndLine.python);
  await timeEach(runs, run);
  const fork = await interleaved(rounds, async () => median(await timeEach(runs, run)), bareFork);
  const start = await interleaved(
    rounds,
    async () => median(await timeEach(runs, run)),
    async () => median(await timeEach(5, () => promisify(execFile)(pythonPath, ['-c', 'import requests']))),
  );
  const from = performance.now();
  await eachWithConcurrency(Array.from({ length: executions }), 2 * availableParallelism(), run);
  const perSecond = (executions * 1_000) / (performance.now() - from);
  return [
    row(
      'Python, one call and one line: over fork() and exit',
      'ms',
      { value: fork.added, floor: fork.floor },
      { atMost: 5 },
    ),
    row(
      'Python, one call and one line: how often it fits into starting python3 with requests',
      '',
      {
        value: start.floor / start.value,
        floor: start.floor,
      },
      { atLeast: 15 },
    ),
    row('Python executions/s and core', '1/s', { value: perSecond / availableParallelism() }, { atLeast: 150 }),
  ];
}

async function bareFork(): Promise<number> {
  const script = join(import.meta.dirname, '../programs/bare_fork.py');
  const { stdout } = await promisify(execFile)(pythonPath, [script, join(packageRoot, 'src/sandbox/python')]);
  return Number(stdout);
}

async function typescript(cage: HandlerSandbox): Promise<BenchResult[]> {
  const times: number[] = [];
  await runWell(cage, oneCallAndLine.typescript);
  for (let n = 0; n < runs; n += 1) {
    await pause(refillMs);
    times.push(...(await timeEach(1, () => runWell(cage, oneCallAndLine.typescript))));
  }
  return [row('TypeScript, one call and one line, started ahead', 'ms', { value: median(times) }, { atMost: 6 })];
}

/** From the end of a handler's time to the end of its process. */
async function limitToGone(cage: HandlerSandbox): Promise<BenchResult[]> {
  const wallMs = 100;
  const late: number[] = [];
  for (const program of [spinning.python, spinning.typescript]) {
    for (let n = 0; n < runs; n += 1) {
      let began = Number.NaN;
      const { outcome } = await runCaged(cage, program, {
        host: { log: () => (began = performance.now()) },
        limits: { wallMs },
      });
      if (outcome !== 'timed_out') throw new Error(`a handler that never ends ended as ${outcome}`);
      late.push(performance.now() - began - wallMs);
    }
  }
  return [
    row('from a limit until the process is gone: median', 'ms', { value: median(late) }, { atMost: 10 }),
    row('from a limit until the process is gone: most', 'ms', { value: Math.max(...late) }, { atMost: 50 }),
  ];
}
