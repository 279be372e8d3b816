import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { AnalyticsSink } from '../analytics/sink.ts';
import type { DeliverAnalyticsInput } from '../contract/workflow.ts';
import type { DeliveryPolicy } from '../domain/delivery-policy.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import type { Keyring } from '../secrets/keyring.ts';
import { buryOrphans, claimDue, claimOfExecution, countPending } from '../store/analytics-deliveries.ts';
import type { Store } from '../store/database.ts';
import { dueSinks, servedSinks, type ServedSink } from '../store/sink-health.ts';
import { deliverToSink, type DeliveryRun } from './deliver-to-sink.ts';
import { OrganizationSinks } from './organization-sinks.ts';
import { createSendFromSink } from './send-from-sink.ts';
import { toApplicationFailure } from './to-application-failure.ts';

export interface DeliverAnalyticsDeps {
  readonly store: Store;
  /** Those that every organisation has. */
  readonly sinks: readonly AnalyticsSink[];
  readonly policy: DeliveryPolicy;
  /** What sinks send by. */
  readonly gateway: HttpGateway;
  /** What opens the credentials of the organisations' own sinks. */
  readonly keys?: Keyring | undefined;
}

/** Due events taken up at once. */
const batch = 500;
/** Sinks of organisations that the redelivery serves at once. */
const sinksAtOnce = 10;

export interface AnalyticsDelivery {
  /**
   * Delivers what one execution registered, to every sink by itself. Fails while something is left that may be sent, to be
   * tried again; when the workflow gives up, the rows wait for the redelivery.
   */
  deliverAnalytics(execution: DeliverAnalyticsInput): Promise<void>;
  /** Delivers what is due, of whatever execution, and gives up what no sink will ever take. */
  redeliverAnalytics(): Promise<void>;
  close(): void;
}

export function createAnalyticsDelivery(deps: DeliverAnalyticsDeps): AnalyticsDelivery {
  const {
    store: { db },
    sinks,
    policy,
    gateway,
    keys,
  } = deps;
  const send = createSendFromSink(gateway, policy.eventTimeoutMs);
  const own = new OrganizationSinks({ db, gateway, policy, keys });

  async function deliverAnalytics(execution: DeliverAnalyticsInput): Promise<void> {
    const { organizationId, executionId } = execution;
    try {
      // Untouched by the redelivery until the first tries are over: `due_at` says so since it was registered.
      const run = runOf(0);
      const claim = (sink: string) => claimOfExecution(db, execution, sink, policy.claimMs);
      const served = await servedSinks(db, organizationId);
      const ready = served.filter(({ restsMs }) => restsMs === 0);
      await Promise.all([
        ...sinks.map(async (sink) => deliverToSink(run, sink, await claim(sink.name))),
        ...ready.map((sink) => own.deliver(run, sink, () => claim(sink.id))),
      ]);
      const pending = await countPending(db, organizationId, executionId);
      if (pending > 0) throw undelivered(pending, served);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  }

  async function redeliverAnalytics(): Promise<void> {
    const run = runOf(policy.redeliveryEveryMs);
    try {
      await Promise.all([...sinks.map((sink) => redeliverTo(run, sink)), redeliverToOwn(run)]);
      const names = sinks.map(({ name }) => name);
      await buryOrphans(db, names, policy.deadAfterMs);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  }

  /** Until nothing is due, the time is up, or a whole batch failed: then the sink is away. */
  async function redeliverTo(run: DeliveryRun, sink: AnalyticsSink): Promise<void> {
    let due, report;
    do {
      due = await claimDue(db, sink.name, policy.claimMs, batch);
      report = await deliverToSink(run, sink, due);
    } while (due.length === batch && report.left < batch && performance.now() < run.until);
  }

  /** In turns, a batch each and not for long: whoever has much, or is slow, must not hold up the others. */
  async function redeliverToOwn(run: DeliveryRun): Promise<void> {
    const queue = await dueSinks(db);
    const lane = async () => {
      for (let sink = queue.shift(); sink !== undefined && performance.now() < run.until; sink = queue.shift()) {
        const { id } = sink;
        const until = Math.min(run.until, performance.now() + policy.turnMs);
        const claim = () => claimDue(db, id, policy.claimMs, batch);
        const { taken, left } = await own.deliver({ ...run, until }, sink, claim);
        if (taken === batch && left === 0) queue.push(sink);
      }
    };
    await Promise.all(Array.from({ length: sinksAtOnce }, lane));
  }

  function runOf(againInMs: number): DeliveryRun {
    return { db, policy, send, signal: cancellationSignal(), until: performance.now() + policy.budgetMs, againInMs };
  }

  return { deliverAnalytics, redeliverAnalytics, close: () => own.close() };
}

/** While a sink is left alone there is no use in asking for it. */
function undelivered(pending: number, served: readonly ServedSink[]): ApplicationFailure {
  const message = `${String(pending)} deliveries are pending`;
  const restsMs = Math.max(0, ...served.map((sink) => sink.restsMs));
  const nextRetryDelay = restsMs > 0 ? { nextRetryDelay: restsMs } : {};
  return ApplicationFailure.create({ type: 'analytics_undelivered', message, nonRetryable: false, ...nextRetryDelay });
}
