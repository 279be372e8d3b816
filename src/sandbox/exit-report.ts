import { constants } from 'node:os';
import { z } from 'zod';
import type { Runtime } from './exec-message.ts';
import type { SandboxLimits, SandboxResult } from './sandbox.ts';

/** How a child ended, as the fork server saw it; on a pipe no child has. */
export const ExitReport = z.object({
  id: z.int(),
  /** Why the fork server killed it; `exited`: it ended by itself. */
  cause: z.enum(['hangup', 'deadline', 'threads', 'host', 'exited']),
  signal: z.int(),
  code: z.int(),
  cpuMs: z.int(),
  maxRssBytes: z.int(),
});
export type ExitReport = z.infer<typeof ExitReport>;

/** Limits are approached, not met: the kernel counts CPU time in ticks and an allocation fails before it is counted. */
const nearly = 0.9;

/**
 * Of the memory, how much a process that died of it holds at least. Deno may hold three quarters of it as heap, and V8
 * gives up when a collection no longer helps.
 */
const ofMemory = { python: nearly, deno: 0.6 } as const;

/** The result of a child that ended without saying one. */
export function describeExit(
  report: ExitReport,
  runtime: Runtime,
  limits: SandboxLimits,
  runMs: number,
): SandboxResult {
  if (report.cause === 'deadline') return timedOut(limits, runMs);
  const failed = (reason: 'crashed' | 'limit_exceeded' | 'out_of_memory', type: string, message: string) =>
    ({ outcome: 'failed', reason, error: { type, message, traceback: '' }, events: [], runMs }) as const;
  const { SIGXCPU, SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGTRAP, SIGILL } = constants.signals;
  const { signal } = report;
  if (report.cause === 'threads') {
    return failed('limit_exceeded', 'TooManyThreads', 'The handler started more threads than it may have. Use fewer.');
  }
  // At the limit comes SIGXCPU; a second later, to one that ignores it, SIGKILL.
  if (signal === SIGXCPU || (signal === SIGKILL && report.cpuMs >= nearly * 1000 * limits.cpuSeconds)) {
    const message = `The handler used up the ${String(limits.cpuSeconds)} s of CPU time it may have. Do less work in it.`;
    return failed('limit_exceeded', 'CpuTimeLimit', message);
  }
  const byMemory = [SIGKILL, SIGSEGV, SIGABRT, SIGBUS, SIGTRAP, SIGILL].some((number) => number === signal);
  if (byMemory && report.maxRssBytes >= ofMemory[runtime] * limits.memoryBytes) {
    return failed('out_of_memory', 'MemoryError', usedUpMemory(limits));
  }
  const how = signal === 0 ? `ended with exit code ${String(report.code)}` : `was ended by ${signalName(signal)}`;
  return failed(
    'crashed',
    'Crash',
    `The handler's process ${how} before the handler returned (os._exit, a signal, a fault in a compiled module, or the machine ran out of memory).`,
  );
}

export function usedUpMemory({ memoryBytes }: SandboxLimits): string {
  const most = String(Math.round(memoryBytes / 2 ** 20));
  return `The handler used up the ${most} MB of memory it may have. Work on smaller pieces, and keep less of them at a time.`;
}

export function timedOut(limits: SandboxLimits, runMs: number): SandboxResult {
  const seconds = String(limits.wallMs / 1000);
  const message =
    `The handler did not finish within ${seconds} s and was stopped. ` +
    'What it had done until then stays done. Give slow requests a timeout, and do less in one handler.';
  return { outcome: 'timed_out', error: { type: 'Timeout', message, traceback: '' }, runMs };
}

function signalName(signal: number): string {
  return Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `signal ${String(signal)}`;
}
