import { setTimeout as sleep } from 'node:timers/promises';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from './log.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/**
 * Tries until it works while the store or Temporal is away, and says so each time: a process that is started before
 * what it needs waits for it. Any other error is thrown at once.
 */
export async function untilReachable<T>(log: Log, reach: () => Promise<T>, pauseMs = firstPauseMs): Promise<T> {
  try {
    return await reach();
  } catch (error) {
    if (!(error instanceof AfterwordError) || error.entry.kind !== 'unavailable') throw error;
    const seconds = pauseMs / 1_000;
    log.warn({ code: error.code, detail: error.message, mend: error.entry.mend }, `Trying again in ${seconds} s`);
    await sleep(pauseMs);
    return await untilReachable(log, reach, Math.min(pauseMs * 2, longestPauseMs));
  }
}
