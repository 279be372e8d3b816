import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { processTree } from '../../test/setup/process-tree.ts';
import { measures, usageOf, type Usage } from '../../test/setup/process-usage.ts';
import { runCaged, runWell } from '../cage-run.ts';
import { oneCallAndLine } from './handlers.ts';

const atOnce = 10;
const warming = 2_000;
const executions = 10_000;
const clients = 4;
const restMs = 2_000;

/** What handlers that wait for an answer add, beside the processes that wait for handlers: pages they share count once. */
export async function memoryPerExecution(
  cage: HandlerSandbox,
  language: 'python' | 'typescript',
): Promise<{ value: number }> {
  let arrived = 0;
  const arrivedAll = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  const call = async () => {
    arrived += 1;
    if (arrived === atOnce) arrivedAll.resolve(undefined);
    await release.promise;
    return { ok: true, value: true } as const;
  };
  await runWell(cage, oneCallAndLine[language]);
  await pause(restMs);
  const before = memoryBelow();
  const all = Array.from({ length: atOnce }, () => runCaged(cage, oneCallAndLine[language], { host: { call } }));
  await arrivedAll.promise;
  await pause(restMs);
  const during = memoryBelow();
  release.resolve(undefined);
  await Promise.all(all);
  return { value: (during - before) / atOnce / 1024 ** 2 };
}

/** Of the fork server and its children. */
function memoryBelow(): number {
  return usageOf(processTree(process.pid).filter(({ pid }) => pid !== process.pid)).memoryBytes;
}

/** Of memory, descriptors and processes, of this process and of the fork server: the most that any grew, as a factor. */
export async function growthOf(cage: HandlerSandbox): Promise<{ value: number }> {
  const run = (count: number) =>
    eachWithConcurrency(Array.from({ length: count }), clients, () => runWell(cage, oneCallAndLine.python));
  await run(warming);
  const before = await usages();
  await run(executions);
  const after = await usages();
  const factors = before.flatMap((usage, index) =>
    measures.map((measure) => (after[index]?.[measure] ?? Number.NaN) / usage[measure]),
  );
  return { value: Math.max(...factors) };
}

async function usages(): Promise<Usage[]> {
  await pause(restMs);
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const [worker, ...below] = processTree(process.pid);
  if (worker === undefined) throw new Error('this process is not there');
  const { heapUsed, external } = process.memoryUsage();
  // What V8 keeps aside for new objects comes and goes by tens of megabytes: what is held counts.
  return [{ ...usageOf([worker]), memoryBytes: heapUsed + external }, usageOf(below)];
}
