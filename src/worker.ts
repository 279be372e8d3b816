import { isLoopback, listen } from './api/listen.ts';
import { metricsAccess, metricsRoute } from './api/routes/metrics.ts';
import { type Config, loadConfig } from './config/config.ts';
import { tracedWorkflowBundlePath, workflowBundlePath } from './config/workflow-bundle.ts';
import { deliveryPolicy } from './domain/delivery-policy.ts';
import { AfterwordError } from './domain/errors.ts';
import { createLog, type Log } from './observability/log.ts';
import {
  logCage,
  logMetricsListening,
  logWorkerFailed,
  logWorkerStarted,
  logWorkerStopped,
  logWorkerStopping,
} from './observability/worker-log.ts';
import { createMetrics, type Metrics } from './observability/metrics.ts';
import { onStopSignal } from './observability/stop-signal.ts';
import { createSandbox } from './sandbox/create-sandbox.ts';
import { openOrganizationServices } from './organization-services.ts';
import { openKeyring } from './secrets/open-keyring.ts';
import { startTracing } from './observability/tracing.ts';
import { untilReachable } from './observability/until-reachable.ts';
import { openStore } from './store/database.ts';
import { checkSchema } from './store/migrate.ts';
import { connectTemporal } from './temporal/connection.ts';
import { connectNative } from './temporal/native-connection.ts';
import { ensureRetention } from './temporal/retention-schedule.ts';
import { ensureRedelivery } from './temporal/redelivery-schedule.ts';
import { installTemporalRuntime } from './temporal/runtime.ts';
import { startWorkers } from './workers.ts';

/** A worker process of its own: any number of them, on PostgreSQL. */
async function main(log: Log): Promise<void> {
  const config = loadConfig();
  log.level = config.logLevel;
  if (config.databaseUrl === undefined) {
    throw new AfterwordError(
      'bad_configuration',
      'DATABASE_URL: expected the PostgreSQL that servers and workers share; `npm start` runs all in one process without.',
    );
  }
  const keys = openKeyring(config.secrets);
  installTemporalRuntime(log);
  const store = await openStore({
    databaseUrl: config.databaseUrl,
    embeddedFolder: config.home,
    poolSize: config.databasePoolSize,
  });
  await untilReachable(log, () => checkSchema(store));
  const sandbox = await createSandbox({
    pythonPath: config.python ?? 'python3',
    denoPath: config.deno,
    unsandboxed: config.unsafeUncaged,
    log: (message) => {
      logCage(log, message);
    },
  });
  const metrics = createMetrics();
  const tracing = config.tracing ? startTracing(config.serviceName ?? 'afterword-worker') : undefined;
  const temporal = connectTemporal({ traced: config.tracing });
  const connection = await untilReachable(log, () => connectNative());
  const workers = await startWorkers({
    store,
    temporal,
    connection,
    sandbox,
    cage: sandbox.cage.level,
    http: config.http,
    services: openOrganizationServices({ store, keys, config }),
    keys,
    taskQueue: config.taskQueue,
    handlerSlots: config.handlerSlots,
    shutdownMs: config.shutdownMs,
    workflowBundlePath: tracing === undefined ? workflowBundlePath : tracedWorkflowBundlePath,
    metrics,
    retention: config.retention,
    tracing,
  });
  const listening = await listenForMetrics(log, config.metrics, metrics);
  await untilReachable(log, () =>
    ensureRedelivery(temporal.client, config.taskQueue, deliveryPolicy.redeliveryEveryMs),
  );
  await untilReachable(log, () => ensureRetention(temporal.client, config.taskQueue));
  logWorkerStarted(log, {
    taskQueue: config.taskQueue,
    handlerSlots: config.handlerSlots,
    secretsKey: keys.keyId,
    cage: sandbox.cage.level,
    typescript: sandbox.deno.detail,
  });

  onStopSignal((signal) => {
    logWorkerStopping(log, signal, config.shutdownMs);
    void workers.shutdown();
  });
  try {
    await workers.stopped;
  } finally {
    await sandbox.close();
    await listening?.stop(0);
    await tracing?.stop();
    await Promise.allSettled([connection.close(), temporal.close(), store.close()]);
  }
  logWorkerStopped(log);
}

async function listenForMetrics(log: Log, { host, port, token }: Config['metrics'], metrics: Metrics) {
  if (port === undefined) return undefined;
  const app = metricsRoute(metrics, metricsAccess(isLoopback(host), token));
  const listening = await listen(app, { host, port, prefix: 'AFTERWORD_METRICS' });
  logMetricsListening(log, listening.url);
  return listening;
}

const log = createLog({ level: 'info', process: 'worker' });
main(log).then(
  () => process.exit(0),
  (error: unknown) => {
    logWorkerFailed(log, error);
    process.exit(1);
  },
);
