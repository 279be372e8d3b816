import { z } from 'zod';
import { limits } from '../domain/limits.ts';

const wholeNumber = (least: number, most: number) =>
  z
    .int(`expected a whole number from ${String(least)} to ${String(most)}`)
    .min(least, `at least ${String(least)}`)
    .max(most, `at most ${String(most)}, which is the limit of every handler`)
    .optional();

/** What one handler may have less of than every handler may. */
export const HandlerLimits = z
  .strictObject({
    seconds: wholeNumber(1, limits.attemptMs / 1_000).meta({ description: 'Of an attempt.' }),
    cpuSeconds: wholeNumber(1, limits.handlerCpuSeconds),
    memoryMb: wholeNumber(limits.leastMemoryMb, limits.handlerMemoryBytes >> 20),
    outputBytes: wholeNumber(limits.leastOutputBytes, limits.outputBytes).meta({
      description: 'stdout and stderr together.',
    }),
    resultBytes: wholeNumber(limits.leastResultBytes, limits.resultBytes).meta({ description: 'As JSON.' }),
    calls: wholeNumber(0, limits.helperCallsPerExecution).meta({ description: 'Of helpers, over all attempts.' }),
    requests: wholeNumber(0, limits.httpRequestsPerExecution).meta({ description: 'HTTP, over all attempts.' }),
    requestsAtOnce: wholeNumber(1, limits.requestsInFlight).meta({
      description: 'Further ones wait. Those of Python always come one after the other.',
    }),
  })
  .meta({ id: 'HandlerLimits' });
export type HandlerLimits = z.infer<typeof HandlerLimits>;
