import { tracedWorkflowBundlePath, workflowBundlePath } from '../../config/workflow-bundle.ts';
import { deliveryPolicy } from '../../domain/delivery-policy.ts';
import { AfterwordError } from '../../domain/errors.ts';
import type { Metrics } from '../../observability/metrics.ts';
import type { Tracing } from '../../observability/tracing.ts';
import type { HandlerSandbox } from '../../sandbox/create-sandbox.ts';
import type { Keyring } from '../../secrets/keyring.ts';
import type { Store } from '../../store/database.ts';
import type { Temporal } from '../../temporal/connection.ts';
import { connectNative } from '../../temporal/native-connection.ts';
import { ensureRetention } from '../../temporal/retention-schedule.ts';
import { ensureRedelivery } from '../../temporal/redelivery-schedule.ts';
import { installTemporalRuntime } from '../../temporal/runtime.ts';
import { exampleOrganization } from './store-part.ts';
import { openOrganizationServices } from '../../organization-services.ts';
import { startWorkers } from '../../workers.ts';
import type { PartOptions } from './part-options.ts';

export interface WorkersPart {
  /** Rejects when the workers have ended without being told to. */
  readonly failed: Promise<never>;
}

interface WorksWith {
  readonly store: Store;
  readonly temporal: Temporal;
  readonly sandbox: HandlerSandbox;
  readonly keys: Keyring;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
}

export async function startWorkersPart(
  { config, screen, log, closing }: PartOptions,
  { store, temporal, sandbox, keys, metrics, tracing }: WorksWith,
): Promise<WorkersPart> {
  const { taskQueue, handlerSlots } = config;
  installTemporalRuntime(log);
  const connection = await connectNative({ address: temporal.address, namespace: temporal.namespace });
  closing.add('connections', () => connection.close());
  const workers = await startWorkers({
    store,
    temporal,
    connection,
    sandbox,
    cage: sandbox.cage.level,
    http: config.http,
    // The operator's accounts are those of the organisation that this system makes.
    services: openOrganizationServices({ store, keys, config: { ...config, organization: exampleOrganization.id } }),
    keys,
    metrics,
    retention: config.retention,
    taskQueue,
    handlerSlots,
    workflowBundlePath: tracing === undefined ? workflowBundlePath : tracedWorkflowBundlePath,
    tracing,
  });
  const told = { toStop: false };
  closing.add('workers', async () => {
    told.toStop = true;
    await workers.shutdown();
  });
  await ensureRedelivery(temporal.client, taskQueue, deliveryPolicy.redeliveryEveryMs);
  await ensureRetention(temporal.client, taskQueue);
  screen.step(`Workers on task queue ${taskQueue}, ${handlerSlots} handlers at once`);
  return { failed: failureOf(workers.stopped, () => told.toStop) };
}

function failureOf(stopped: Promise<void>, expected: () => boolean): Promise<never> {
  const failed = new Promise<never>((_resolve, reject) => {
    const end = (cause?: unknown) => {
      if (expected()) return;
      const why = cause instanceof Error ? `: ${cause.message}` : '';
      reject(new AfterwordError('internal', `The workers have ended unexpectedly${why}.`, { cause }));
    };
    stopped.then(end, end);
  });
  failed.catch(() => undefined); // whoever awaits it hears of it
  return failed;
}
