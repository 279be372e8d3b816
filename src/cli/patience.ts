import { setTimeout as sleep } from 'node:timers/promises';
import { AfterwordError } from '../domain/errors.ts';
import { ApiProblem } from './http.ts';

/** Rejects when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

const retryPauseMs = 500;

/**
 * Runs `ask`, again while the server is away (a deploy, a restart), until `untilMs` (of Date.now()). Only for questions:
 * what changes something is not repeated.
 */
export async function patiently<T>(
  ask: () => Promise<T>,
  options: { untilMs: number; signal: AbortSignal; onAway?: () => void },
): Promise<T> {
  for (let told = false; ;) {
    try {
      return await ask();
    } catch (error) {
      if (!isAway(error) || Date.now() + retryPauseMs > options.untilMs) throw error;
      if (!told) options.onAway?.();
      told = true;
    }
    await pause(retryPauseMs, options.signal);
  }
}

function isAway(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.status === 503;
  return error instanceof AfterwordError && error.code === 'server_unreachable';
}
