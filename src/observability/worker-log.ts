import type { Log } from './log.ts';

export function logWorkerStarted(log: Log, facts: { taskQueue: string; handlerSlots: number; cage: string }): void {
  log.info(facts, 'worker started');
}

export function logWorkerStopping(log: Log, signal: string): void {
  log.info({ signal }, 'worker stopping: what still runs in 3 s is left to the next worker');
}

export function logWorkerStopped(log: Log): void {
  log.info('worker stopped');
}

export function logWorkerFailed(log: Log, err: unknown): void {
  log.error({ err }, 'worker failed');
}

export function logCage(log: Log, message: string): void {
  log.warn(`cage: ${message}`);
}
