import type { Log } from './log.ts';

/** What only the one-process system of `npm start` has to say. */

export function logSystemReady(log: Log, facts: { apiUrl: string; temporalAddress: string; readyMs: number }): void {
  log.info(facts, 'The system is ready');
}

export function logSystemStopping(log: Log, reason: string): void {
  log.info({ reason }, 'The system is stopping');
}

export function logSystemStopped(log: Log): void {
  log.info('The system has stopped');
}

/** The person at the terminal is told in other words: not an error line, which would be shown too. */
export function logSystemFailed(log: Log, err: unknown): void {
  log.warn({ err }, 'The system cannot run');
}

export function logTemporalEnded(log: Log, end: { code: number | null; signal: string | null }): void {
  log.warn(end, 'The Temporal development server has ended; it is started again');
}

export function logTemporalRestarted(log: Log): void {
  log.info('The Temporal development server is running again');
}

export function logClosingFault(log: Log, part: string, err: unknown): void {
  log.warn({ part, err }, 'A part of the system did not close as it should');
}
