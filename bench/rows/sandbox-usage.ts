import { readlinkSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eachWithConcurrency } from '../../src/domain/concurrency.ts';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { processTree, type ProcessEntry } from '../../test/setup/process-tree.ts';
import { measures, median, usageOf, type Usage } from '../../test/setup/process-usage.ts';
import { runCaged, runWell } from '../cage-run.ts';
import { oneCallAndLine } from './handlers.ts';

const atOnce = 10;
const warming = 2_000;
const executions = 10_000;
const clients = 4;
const restMs = 2_000;

/** Median of handlers that wait for an answer, each page divided among the processes that share it. */
export async function memoryPerExecution(
  cage: HandlerSandbox,
  language: 'python' | 'typescript',
): Promise<{ value: number }> {
  let arrived = 0;
  const arrivedAll = Promise.withResolvers<undefined>();
  const release = Promise.withResolvers<undefined>();
  const all = Promise.all(
    Array.from({ length: atOnce }, () =>
      runCaged(cage, oneCallAndLine[language], {
        host: {
          call: async () => {
            arrived += 1;
            if (arrived === atOnce) arrivedAll.resolve(undefined);
            await release.promise;
            return { ok: true, value: true };
          },
        },
      }),
    ),
  );
  await arrivedAll.promise;
  const memory = childrenOf(language)
    .map((child) => usageOf([child]).memoryBytes)
    .sort((a, b) => b - a)
    .slice(0, atOnce); // others wait for theirs
  release.resolve(undefined);
  await all;
  return { value: median(memory) / 1024 ** 2 };
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

/** Of the fork server. */
function childrenOf(language: 'python' | 'typescript'): ProcessEntry[] {
  return processTree(process.pid).filter(({ pid, parent }) => {
    if (pid === process.pid || parent === process.pid) return false;
    return readlinkSync(`/proc/${String(pid)}/exe`).endsWith('/deno') === (language === 'typescript');
  });
}
