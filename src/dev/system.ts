import type { Config } from '../config/config.ts';
import { logClosingFault } from '../observability/dev-log.ts';
import type { Log } from '../observability/log.ts';
import { createMetrics } from '../observability/metrics.ts';
import { startTracing } from '../observability/tracing.ts';
import { startServer } from '../server.ts';
import { connectTemporal } from '../temporal/connection.ts';
import { createClosingOrder } from './closing-order.ts';
import { createSandboxPart } from './parts/sandbox-part.ts';
import { startStandInsPart, type StandIns } from './parts/stand-ins-part.ts';
import { openStorePart } from './parts/store-part.ts';
import { startTemporalPart, temporalNamespace } from './parts/temporal-part.ts';
import { startWorkersPart } from './parts/workers-part.ts';
import type { PartOptions } from './parts/part-options.ts';
import type { Screen } from './screen.ts';
import { ensureSecretsKey } from './secrets-key.ts';
import { requireTemporalCli } from './temporal-cli.ts';

export interface SystemOptions {
  readonly config: Config;
  readonly screen: Screen;
  readonly log: Log;
  /** null: everything of Temporal's is kept in memory, and there is no Web UI. */
  readonly temporalDatabase: string | null;
}

export interface System {
  readonly apiUrl: string;
  readonly adminKey: string;
  readonly temporalAddress: string;
  /** null: without a Web UI. */
  readonly temporalUiUrl: string | null;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly standIns: StandIns;
  /** Why Python handlers are refused; null where they run. */
  readonly pythonRefusal: string | null;
  /** Rejects when a part has ended that is not started again. */
  readonly failed: Promise<never>;
  /** Server first, store last: 0.3 s, and about 4 s when a handler does not end. */
  stop(): Promise<void>;
}

/** All parts in this process, with Temporal as its child. When one cannot be started the others are closed again. */
export async function startSystem({ temporalDatabase, ...rest }: SystemOptions): Promise<System> {
  const closing = createClosingOrder((part, error) => {
    logClosingFault(rest.log, part, error);
  });
  try {
    return await openAll({ ...rest, closing }, temporalDatabase);
  } catch (error) {
    await closing.closeAll();
    throw error;
  }
}

async function openAll(options: PartOptions, temporalDatabase: string | null): Promise<System> {
  const { config, screen, log, closing } = options;
  // Before anything is opened: the first opening of the embedded store takes seconds.
  const cliPath = requireTemporalCli(config.temporalCli);
  const keys = ensureSecretsKey(config);
  const [{ store, adminKey }, keeper, { sandbox, refusal }, standIns] = await all([
    openStorePart(options),
    startTemporalPart(options, { cliPath, databaseFile: temporalDatabase }),
    createSandboxPart(options),
    startStandInsPart(options),
  ]);

  const tracing = config.tracing ? startTracing(config.serviceName ?? 'afterword') : undefined;
  closing.add('tracing', async () => tracing?.stop());
  const traced = tracing !== undefined;
  const temporal = connectTemporal({ address: keeper.address, namespace: temporalNamespace, traced });
  closing.add('connections', () => temporal.close());
  const metrics = createMetrics();
  const workers = await startWorkersPart(
    { ...options, config: standIns.config },
    { store, temporal, sandbox, keys, metrics, tracing },
  );
  const server = await startServer({ config, store, temporal, log, metrics, traced, keys });
  closing.add('server', () => server.stop());
  screen.step(`API on ${server.url}`);

  const failed = Promise.race([keeper.gaveUp, workers.failed]);
  failed.catch(() => undefined); // whoever awaits it hears of it
  return {
    apiUrl: server.url,
    adminKey,
    temporalAddress: keeper.address,
    temporalUiUrl: keeper.uiUrl,
    namespace: temporalNamespace,
    taskQueue: config.taskQueue,
    standIns,
    pythonRefusal: refusal,
    failed,
    stop: () => closing.closeAll(),
  };
}

/** Promise.all that settles only when all have: nothing opens any more when the others are closed. */
async function all<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}
