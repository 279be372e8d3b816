import type { Log } from '../observability/log.ts';
import { logStatisticsFailed } from '../observability/server-log.ts';
import type { Database } from '../store/database.ts';
import { analyzeGrownTables } from '../store/statistics.ts';

const everyMs = 5_000;

/** Looks for grown tables from now on; `stop` ends after the look that is under way. */
export function keepStatistics({ db, log }: { readonly db: Database; readonly log: Log }): {
  stop(): Promise<void>;
} {
  let looking: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    looking ??= analyzeGrownTables(db)
      // Nothing waits for it, and an outage is said by the relay.
      .catch((error: unknown) => {
        logStatisticsFailed(log, error);
      })
      .finally(() => {
        looking = undefined;
      });
  }, everyMs);
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}
