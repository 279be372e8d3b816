import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createApp } from './api/app.ts';
import type { Canceller } from './api/cancelling.ts';
import type { DirectRunner } from './api/direct-runs.ts';
import { isLoopback, listen } from './api/listen.ts';
import { loadConfig } from './config/config.ts';
import type { Config } from './config/config.ts';
import { AfterwordError } from './domain/errors.ts';
import { metricsAccess } from './api/routes/metrics.ts';
import { createLog } from './observability/log.ts';
import type { Log } from './observability/log.ts';
import {
  logServerFailed,
  logServerListening,
  logServerStopped,
  logServerStopping,
  warnOfOpenHost,
} from './observability/server-log.ts';
import { onStopSignal } from './observability/stop-signal.ts';
import { helperRegistry } from './handler-types/helper-registry.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { startTracing } from './observability/tracing.ts';
import { untilReachable } from './observability/until-reachable.ts';
import { createCallsInFlight } from './relay/calls-in-flight.ts';
import { createRelay } from './relay/relay.ts';
import { keepStatistics } from './relay/statistics-keeper.ts';
import { createTestSink } from './activities/test-sink.ts';
import { createCodeCheck } from './sandbox/code-check.ts';
import { createHttpGateway, type HttpGatewayOptions } from './sandbox/http-gateway/gateway.ts';
import { type Keyring, noKeyring } from './secrets/keyring.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import { createApiKey } from './store/api-keys.ts';
import { openStore } from './store/database.ts';
import type { Store } from './store/database.ts';
import { checkSchema } from './store/migrate.ts';
import { sinkLag } from './store/sink-lag.ts';
import { ensureOrganization } from './store/organizations.ts';
import { askToCancelEvent, askToCancelExecution } from './temporal/cancel-runs.ts';
import { handlerWorkers } from './temporal/handler-workers.ts';
import { connectTemporal, type Temporal } from './temporal/connection.ts';
import { redeliverNow } from './temporal/redelivery-schedule.ts';
import { directRunEnded, startDirectRun } from './temporal/start-direct-run.ts';
import { createEventStarter } from './temporal/start-event.ts';
import type { EventToStart } from './temporal/start-event.ts';

export interface ServerOptions {
  readonly config: Pick<Config, 'host' | 'port' | 'taskQueue' | 'python'> &
    Partial<Pick<Config, 'http' | 'rateLimit' | 'corsOrigins' | 'metrics'>>;
  readonly store: Store;
  readonly temporal: Temporal;
  readonly log: Log;
  /** With those of the workers in this process; left out: nothing is counted. */
  readonly metrics?: Metrics;
  /** Whether requests have spans. */
  readonly traced?: boolean;
  /** What seals secrets; left out: none can be set. */
  readonly keys?: Keyring;
  /** What requests under way get when the server is told to stop; 3 s where left out: `npm start` has 5 to end. */
  readonly shutdownMs?: number;
}

export interface RunningServer {
  readonly url: string;
  /** Takes no more connections, finishes the requests under way and ends the relay. Store and Temporal connection stay open: they are the caller's. */
  stop(): Promise<void>;
}

const defaultShutdownMs = 3_000;
/** Public addresses alone. */
const closedNetworks: HttpGatewayOptions = { openNetworks: [], origins: new Map() };
/** The SDK would go on trying for 20 s; the relay does that itself, and a stop cannot wait so long. */
const temporalCallMs = 3_000;

/** API and relay in this process. Temporal may be away: events are accepted all the same. Throws `port_taken`. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const {
    config,
    store,
    temporal,
    log,
    metrics,
    traced = false,
    keys = noKeyring,
    shutdownMs = defaultShutdownMs,
  } = options;
  const calls = createCallsInFlight();
  const inTime = <Answer>(call: () => Promise<Answer>) =>
    calls.watch(temporal.client.withDeadline(Date.now() + temporalCallMs, call));
  const start = createEventStarter(temporal.client, { taskQueue: config.taskQueue });
  const startEvent = (event: EventToStart) => inTime(() => start(event));
  const stopping = new AbortController();
  const directRunner: DirectRunner = {
    start: (run) => inTime(() => startDirectRun(temporal.client, config.taskQueue, run)),
    ended: (workflowId, signal) => calls.watch(directRunEnded(temporal.client, workflowId, signal)),
    stopping: stopping.signal,
  };
  const canceller: Canceller = {
    execution: (workflowId, id) => inTime(() => askToCancelExecution(temporal.client, workflowId, id)),
    event: (workflowId) => inTime(() => askToCancelEvent(temporal.client, workflowId)),
  };
  const checkTemporal = async () => {
    await inTime(() => temporal.client.workflowService.describeNamespace({ namespace: temporal.namespace }));
  };
  const workers = () => inTime(() => handlerWorkers(temporal.client, temporal.namespace, config.taskQueue));
  const relay = createRelay({ store, startEvent, startRun: (run) => directRunner.start(run), log });
  metrics?.watchRelay(() => relay.lagMs());
  metrics?.watchSinks(async () =>
    (await sinkLag(store.db)).map(({ organizationId, name, pending, oldestPendingSeconds, dead }) => ({
      organizationId,
      sink: name,
      pending,
      oldestMs: oldestPendingSeconds * 1_000,
      dead,
    })),
  );
  const access = metricsAccess(isLoopback(config.host), config.metrics?.token);
  const gateway = createHttpGateway(config.http ?? closedNetworks);
  const helperNames = helperRegistry.helpers.map(({ name }) => name);
  const app = createApp({
    store,
    startEvent,
    directRunner,
    canceller,
    checkCode: createCodeCheck({
      pythonPath: config.python ?? 'python3',
      helperNames,
    }),
    registry: helperRegistry,
    keys,
    testSink: createTestSink({ gateway, keys }),
    redeliver: () => inTime(() => redeliverNow(temporal.client, config.taskQueue)),
    log,
    ...(config.rateLimit === undefined ? {} : { rateLimit: config.rateLimit }),
    ...(config.corsOrigins === undefined ? {} : { corsOrigins: config.corsOrigins }),
    ...(metrics === undefined ? {} : { metrics: { metrics, access } }),
    traced,
    health: { checkTemporal, workers, relayLagMs: () => relay.lagMs() },
  });
  if (!isLoopback(config.host)) warnOfOpenHost(log, config.host);
  const listening = await listen(app, config);
  relay.start();
  const statistics = keepStatistics({ db: store.db, log });
  logServerListening(log, listening.url);
  return {
    url: listening.url,
    stop: async () => {
      stopping.abort();
      const [cutOff] = await Promise.all([listening.stop(shutdownMs), relay.stop(), statistics.stop()]);
      await Promise.all([calls.settled(), gateway.close()]);
      logServerStopped(log, cutOff);
    },
  };
}

/** For the relay and for closing, after the requests. */
const closingMs = 5_000;

async function main(): Promise<void> {
  const config = loadConfig();
  const log = createLog({ level: config.logLevel, process: 'server' });
  const { databaseUrl } = config;
  if (databaseUrl === undefined) {
    throw new AfterwordError(
      'bad_configuration',
      'DATABASE_URL: expected the PostgreSQL that servers and workers share; `npm start` runs all in one process without.',
    );
  }
  const keys = openKeyring(config.secrets);
  const store = await openStore({ databaseUrl, embeddedFolder: config.home, poolSize: config.databasePoolSize });
  await untilReachable(log, () => checkSchema(store));
  const { adminKey, organization } = config;
  if (adminKey !== undefined) {
    await ensureOrganization(store.db, { id: organization, name: organization });
    await createApiKey(store.db, organization, 'admin', { key: adminKey, scopes: ['admin', 'operator'] });
  }
  const traced = config.tracing;
  const tracing = traced ? startTracing(config.serviceName ?? 'afterword-server') : undefined;
  const temporal = connectTemporal({ traced });
  const { shutdownMs } = config;
  const server = await startServer({
    config,
    store,
    temporal,
    log,
    metrics: createMetrics(),
    traced,
    keys,
    shutdownMs,
  });

  const stop = async (signal: string) => {
    logServerStopping(log, signal);
    setTimeout(() => process.exit(1), shutdownMs + closingMs).unref();
    await server.stop();
    await Promise.allSettled([temporal.close(), store.close(), tracing?.stop()]);
    process.exit(0);
  };
  onStopSignal((signal) => void stop(signal));
}

const startedDirectly =
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
if (startedDirectly) {
  main().catch((error: unknown) => {
    logServerFailed(createLog({ level: 'error', process: 'server' }), error);
    process.exit(1);
  });
}
