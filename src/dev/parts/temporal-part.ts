import { logTemporalEnded, logTemporalRestarted } from '../../observability/dev-log.ts';
import { temporalLogPath } from '../log-file.ts';
import { keepTemporalRunning } from '../temporal-keeper.ts';
import type { TemporalKeeper } from '../temporal-keeper.ts';
import type { PartOptions } from './part-options.ts';

export const temporalNamespace = 'default';

/** `databaseFile` null: everything is kept in memory, and there is no Web UI. */
export async function startTemporalPart(
  { config, screen, log, closing }: PartOptions,
  { cliPath, databaseFile }: { cliPath: string; databaseFile: string | null },
): Promise<TemporalKeeper> {
  const keeper = await keepTemporalRunning({
    cliPath,
    port: config.temporalPort,
    namespace: temporalNamespace,
    logFile: temporalLogPath(config.home),
    ...(databaseFile === null ? {} : { dbFilename: databaseFile, uiPort: config.temporalUiPort }),
    onEnded: (end) => {
      logTemporalEnded(log, end);
      const how = end.signal ?? `exit code ${String(end.code)}`;
      screen.warn(`The Temporal server has ended (${how}); it is started again. Accepted events wait for it.`);
    },
    onRestarted: () => {
      logTemporalRestarted(log);
      screen.step(`Temporal runs again on ${keeper.address}`);
    },
  });
  closing.add('temporal', () => keeper.stop());
  screen.step(`Temporal on ${keeper.address}${keeper.uiUrl === null ? '' : `, its Web UI on ${keeper.uiUrl}`}`);
  return keeper;
}
