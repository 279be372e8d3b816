import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import { logRelayBack, logRelayOutage } from '../observability/server-log.ts';

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

export interface Outage {
  /** How long to wait before the next try, milliseconds: 1 s, doubled up to 30 s. */
  happened(error: unknown): number;
  over(): void;
}

/** Says once that something is away and once that it is back, however many tries lie between. */
export function createOutage(log: Log): Outage {
  let since: number | undefined;
  let pauseMs = firstPauseMs;
  return {
    happened: (error) => {
      if (since === undefined) {
        since = Date.now();
        pauseMs = firstPauseMs;
        logRelayOutage(log, error instanceof AfterwordError ? error.code : 'internal', error);
      } else {
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
      return pauseMs;
    },
    over: () => {
      if (since !== undefined) logRelayBack(log, Date.now() - since);
      since = undefined;
    },
  };
}
