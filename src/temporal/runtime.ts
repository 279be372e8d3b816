import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Log } from '../observability/log.ts';

/** Once per process, before the first connection: the SDK's own messages go into our log, warnings and worse. */
export function installTemporalRuntime(log: Log): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      log[level === 'ERROR' ? 'error' : 'warn']({ temporal: meta }, message);
    }),
    // The process stops its workers itself, in its own order.
    shutdownSignals: [],
  });
}
