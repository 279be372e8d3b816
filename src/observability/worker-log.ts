import type { Log } from './log.ts';

export function logWorkerStarted(
  log: Log,
  facts: { taskQueue: string; handlerSlots: number; secretsKey: string | null; cage: string; typescript: string },
): void {
  log.info(facts, 'worker started');
}

export function logWorkerStopping(log: Log, signal: string, shutdownMs: number): void {
  log.info(
    { signal, shutdownMs },
    'worker stopping: it takes no more handlers; those that run may end, what is left then is for the next worker',
  );
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

export function logMetricsListening(log: Log, url: string): void {
  log.info({ url: `${url}/metrics` }, 'Metrics can be read');
}
