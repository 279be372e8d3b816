import { readFile } from 'node:fs/promises';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { createCallHelper } from './activities/call-helper.ts';
import type { Checkpoint } from './activities/checkpoint.ts';
import { createDeliverAnalytics, createRedeliverAnalytics } from './activities/deliver-analytics.ts';
import { createOpenEvent } from './activities/open-event.ts';
import { createRunHandler } from './activities/run-handler.ts';
import { createSettle } from './activities/settle.ts';
import { servicesNotConfigured } from './helper-services.ts';
import type { AnalyticsSink } from './analytics/sink.ts';
import { storeSink } from './analytics/sinks/store-sink.ts';
import { deliveryPolicy, type DeliveryPolicy } from './domain/delivery-policy.ts';
import { activityHelpers, helpers } from './helpers/registry.ts';
import { createHttpGateway, type HttpGatewayOptions } from './sandbox/http-gateway/gateway.ts';
import type { HelperServices } from './helpers/services.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { Store } from './store/database.ts';
import type { Temporal } from './temporal/connection.ts';

/** What is still running when a worker is told to stop gets this long, then the next worker takes it up. */
const shutdownGraceMs = 3_000;
const shutdownForceMs = 4_000;
/** Executions whose analytics events are delivered at once. */
const deliverySlots = 20;

export interface WorkersOptions {
  readonly store: Store;
  readonly temporal: Temporal;
  readonly connection: NativeConnection;
  readonly sandbox: Sandbox;
  /** Where handlers' requests may go. */
  readonly http: HttpGatewayOptions;
  /** What helpers ask outside; left out: nothing is configured, and they say so. */
  readonly services?: HelperServices;
  /** The handlers' own queue is this name followed by `-handlers`, that of deliveries by `-analytics`. */
  readonly taskQueue: string;
  /** Handlers that run at once. */
  readonly handlerSlots: number;
  /** The compiled workflow bundle. */
  readonly workflowBundlePath: string;
  readonly checkpoint?: Checkpoint;
  readonly wallMs?: number;
  /** Where analytics events go; the store alone where left out. */
  readonly sinks?: readonly AnalyticsSink[];
  readonly deliveryPolicy?: DeliveryPolicy;
  readonly outsideMs?: number;
}

export interface Workers {
  /** Settles when all have stopped; rejects when one failed. */
  readonly stopped: Promise<void>;
  shutdown(): Promise<void>;
}

/**
 * Three workers: one for workflows and helpers; one for handlers on a task queue of their own with bounded slots, since
 * handlers wait for helpers and on one queue could take every slot and wait for ever; one for deliveries, since a sink
 * that hangs must not take the helpers' slots either.
 */
export async function startWorkers(options: WorkersOptions): Promise<Workers> {
  const { store, temporal, connection, sandbox, taskQueue, checkpoint, wallMs, outsideMs } = options;
  const { services = servicesNotConfigured } = options;
  const gateway = createHttpGateway(options.http);
  const { sinks = [storeSink], deliveryPolicy: policy = deliveryPolicy } = options;
  const common = {
    connection,
    namespace: temporal.namespace,
    shutdownGraceTime: shutdownGraceMs,
    shutdownForceTime: shutdownForceMs,
  };
  const activities = {
    openEvent: createOpenEvent({ store, checkpoint }),
    settle: createSettle({ store, checkpoint }),
    ...Object.fromEntries(
      [...activityHelpers.values()].map((helper) => [
        helper.name,
        createCallHelper({ store, services, checkpoint, outsideMs }, helper),
      ]),
    ),
  };
  const workflowWorker = await Worker.create({
    ...common,
    taskQueue,
    workflowBundle: { code: await readFile(options.workflowBundlePath, 'utf8') },
    activities,
  });
  const handlerWorker = await Worker.create({
    ...common,
    taskQueue: `${taskQueue}-handlers`,
    activities: {
      runHandler: createRunHandler({
        store,
        sandbox,
        gateway,
        client: temporal.client,
        helpers,
        checkpoint,
        wallMs,
        sinks,
        deliveryPolicy: policy,
      }),
    },
    maxConcurrentActivityTaskExecutions: options.handlerSlots,
    // A cancellation comes back with a heartbeat: the default would hold it for 8 s.
    maxHeartbeatThrottleInterval: '1 s',
  });
  const analyticsWorker = await Worker.create({
    ...common,
    taskQueue: `${taskQueue}-analytics`,
    activities: {
      deliverAnalytics: createDeliverAnalytics({ store, sinks, policy }),
      redeliverAnalytics: createRedeliverAnalytics({ store, sinks, policy }),
    },
    maxConcurrentActivityTaskExecutions: deliverySlots,
  });
  const workers = [workflowWorker, handlerWorker, analyticsWorker];
  const stopped = Promise.all(workers.map((worker) => worker.run())).then(() => undefined);
  return {
    stopped,
    async shutdown() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => undefined);
      await gateway.close();
    },
  };
}
