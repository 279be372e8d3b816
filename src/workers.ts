import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { Worker, type NativeConnection } from '@temporalio/worker';
import { createApplyRetention } from './activities/apply-retention.ts';
import { createCallHelper } from './activities/call-helper.ts';
import type { Checkpoint } from './activities/checkpoint.ts';
import { createCheckDelayed } from './activities/check-delayed.ts';
import { createAnalyticsDelivery } from './activities/deliver-analytics.ts';
import { createOpenEvent } from './activities/open-event.ts';
import { HandlerShares } from './activities/handler-shares.ts';
import { createRunHandler } from './activities/run-handler.ts';
import { createSettle } from './activities/settle.ts';
import { ToldTogether } from './activities/told-together.ts';
import { servicesNotConfigured } from './helper-services.ts';
import type { AnalyticsSink } from './analytics/sink.ts';
import { storeSink } from './analytics/sinks/store-sink.ts';
import { deliveryPolicy, type DeliveryPolicy } from './domain/delivery-policy.ts';
import { keepAll, type RetentionPolicy } from './domain/retention-policy.ts';
import { workerIdentity, type CageLevel } from './domain/cage-level.ts';
import { handlerPlaces } from './domain/handler-shares.ts';
import { activityHelpers, helpers } from './helpers/registry.ts';
import { createHttpGateway, type HttpGateway, type HttpGatewayOptions } from './sandbox/http-gateway/gateway.ts';
import type { Metrics } from './observability/metrics.ts';
import type { Tracing } from './observability/tracing.ts';
import type { ServicesOf } from './helpers/services.ts';
import type { Sandbox } from './sandbox/sandbox.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { Store } from './store/database.ts';
import type { Temporal } from './temporal/connection.ts';
import { tracedWorker } from './temporal/traced-worker.ts';

/** Where nothing else is said: `npm start` has 5 s to end. */
const defaultShutdownMs = 3_000;
/** Calls and deliveries, when the handlers have ended: one try of a helper, and a part of that where all is to be quick. */
const restShutdownMs = (shutdownMs: number) => Math.min(shutdownMs / 3, 20_000);
/** To record the end of what was cut off. */
const recordingMs = 500;
/** Of handlers that end before others of their event. */
const togetherMs = 100;
/** Executions whose analytics events are delivered at once. */
const deliverySlots = 20;

export interface WorkersOptions {
  readonly store: Store;
  readonly temporal: Temporal;
  readonly connection: NativeConnection;
  readonly sandbox: Sandbox;
  /** How well it locks handlers up, for whoever asks Temporal about the queue; `refused` where left out. */
  readonly cage?: CageLevel;
  /** Where handlers' requests may go. */
  readonly http: HttpGatewayOptions;
  /** What helpers ask outside, where an organisation says so by the gateway; left out: nothing is configured, and they say so. */
  readonly services?: (gateway: HttpGateway) => ServicesOf;
  /** What opens secrets; left out: handlers that are granted some cannot run here. */
  readonly keys?: Keyring;
  /** The handlers' own queue is this name followed by `-handlers`, that of deliveries by `-analytics`. */
  readonly taskQueue: string;
  /** Handlers of one organisation that run at once; with others' it may be a third more. */
  readonly handlerSlots: number;
  /** When told to stop, handlers that run get this long; the next worker takes up what is left. */
  readonly shutdownMs?: number;
  /** The compiled workflow bundle. */
  readonly workflowBundlePath: string;
  readonly checkpoint?: Checkpoint;
  readonly metrics?: Metrics;
  /** Left out: no spans. With it the bundle is the traced one. */
  readonly tracing?: Tracing | undefined;
  readonly wallMs?: number;
  /** Where all analytics events go, besides their organisation's own sinks; the store alone where left out. */
  readonly sinks?: readonly AnalyticsSink[];
  readonly deliveryPolicy?: DeliveryPolicy;
  /** What is kept how long; all for ever where left out. */
  readonly retention?: RetentionPolicy;
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
  const { store, temporal, connection, sandbox, keys, taskQueue, checkpoint, wallMs, outsideMs } = options;
  const { shutdownMs = defaultShutdownMs } = options;
  const gateway = createHttpGateway(options.http);
  const services = options.services?.(gateway) ?? (() => servicesNotConfigured);
  const { sinks = [storeSink], deliveryPolicy: policy = deliveryPolicy } = options;
  const traced = options.tracing === undefined ? {} : tracedWorker(options.tracing);
  const common = { connection, namespace: temporal.namespace, ...traced };
  const restShutdown = shutdownTimes(restShutdownMs(shutdownMs));
  const activities = {
    openEvent: createOpenEvent({ store, checkpoint }),
    settle: createSettle({ store, checkpoint }),
    checkDelayedHandler: createCheckDelayed({ store }),
    applyRetention: createApplyRetention({ store, policy: options.retention ?? keepAll }),
    ...Object.fromEntries(
      [...activityHelpers.values()].map((helper) => [
        helper.name,
        createCallHelper({ store, services, keys, checkpoint, outsideMs }, helper),
      ]),
    ),
  };
  const places = handlerPlaces(options.handlerSlots);
  const slots = places.forOne + places.reserve + places.waiting;
  const workflowWorker = await Worker.create({
    ...common,
    ...restShutdown,
    taskQueue,
    workflowBundle: { code: await readFile(options.workflowBundlePath, 'utf8') },
    activities,
  });
  const handlerWorker = await Worker.create({
    ...common,
    ...shutdownTimes(shutdownMs),
    taskQueue: `${taskQueue}-handlers`,
    identity: workerIdentity(`${String(process.pid)}@${hostname()}`, options.cage ?? 'refused'),
    activities: {
      runHandler: createRunHandler({
        store,
        shares: new HandlerShares(places),
        together: new ToldTogether(slots, togetherMs),
        sandbox,
        gateway,
        keys,
        client: temporal.client,
        helpers,
        checkpoint,
        metrics: options.metrics,
        wallMs,
        sinks,
        deliveryPolicy: policy,
      }),
    },
    maxConcurrentActivityTaskExecutions: slots,
    // A cancellation comes back with a heartbeat: the default would hold it for 8 s.
    maxHeartbeatThrottleInterval: '1 s',
  });
  const delivery = createAnalyticsDelivery({ store, sinks, policy, gateway, keys });
  const { deliverAnalytics, redeliverAnalytics } = delivery;
  const analyticsWorker = await Worker.create({
    ...common,
    ...restShutdown,
    taskQueue: `${taskQueue}-analytics`,
    activities: { deliverAnalytics, redeliverAnalytics },
    maxConcurrentActivityTaskExecutions: deliverySlots,
  });
  const handlers = running(handlerWorker);
  const rest = [running(workflowWorker), running(analyticsWorker)];
  return {
    stopped: Promise.all([handlers, ...rest].map(({ stopped }) => stopped)).then(() => undefined),
    async shutdown() {
      // Handlers first: those that still run need the others, who answer their calls.
      await handlers.shutdown();
      await Promise.all(rest.map((worker) => worker.shutdown()));
      delivery.close();
      await gateway.close();
    },
  };
}

function shutdownTimes(graceMs: number) {
  return { shutdownGraceTime: graceMs, shutdownForceTime: graceMs + recordingMs };
}

function running(worker: Worker): Workers {
  const stopped = worker.run();
  return {
    stopped,
    async shutdown() {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => undefined);
    },
  };
}
