import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { AnalyticsSink } from '../analytics/sink.ts';
import type { DeliverAnalyticsInput } from '../contract/workflow.ts';
import type { DeliveryPolicy } from '../domain/delivery-policy.ts';
import { buryOrphans, claimDue, claimOfExecution, countPending } from '../store/analytics-deliveries.ts';
import type { Store } from '../store/database.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import { deliverToSink, type DeliveryRun } from './deliver-to-sink.ts';
import { createSendFromSink } from './send-from-sink.ts';
import { toApplicationFailure } from './to-application-failure.ts';

export interface DeliverAnalyticsDeps {
  readonly store: Store;
  readonly sinks: readonly AnalyticsSink[];
  readonly policy: DeliveryPolicy;
  /** What sinks send by. */
  readonly gateway: HttpGateway;
}

/** Due events taken up at once. */
const batch = 500;

/**
 * Delivers what one execution registered, to every sink by itself. Fails while something is left, to be tried again;
 * when the workflow gives up, the rows wait for the redelivery.
 */
export function createDeliverAnalytics({ store: { db }, sinks, policy, gateway }: DeliverAnalyticsDeps) {
  const send = createSendFromSink(gateway, policy.eventTimeoutMs);
  return async function deliverAnalytics(execution: DeliverAnalyticsInput): Promise<void> {
    const { organizationId, executionId } = execution;
    try {
      // Untouched by the redelivery until the first tries are over: `due_at` says so since it was registered.
      const run = runOf(0);
      await Promise.all(
        sinks.map(async (sink) =>
          deliverToSink(run, sink, await claimOfExecution(db, execution, sink.name, policy.claimMs)),
        ),
      );
      const pending = await countPending(db, organizationId, executionId);
      if (pending > 0) throw undelivered(pending);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };

  function runOf(againInMs: number): DeliveryRun {
    return { db, policy, send, signal: cancellationSignal(), until: performance.now() + policy.budgetMs, againInMs };
  }
}

/** Delivers what is due, of whatever execution, and gives up what no sink will ever take. */
export function createRedeliverAnalytics({ store: { db }, sinks, policy, gateway }: DeliverAnalyticsDeps) {
  const send = createSendFromSink(gateway, policy.eventTimeoutMs);
  return async function redeliverAnalytics(): Promise<void> {
    const until = performance.now() + policy.budgetMs;
    const signal = cancellationSignal();
    const run = { db, policy, send, signal, until, againInMs: policy.redeliveryEveryMs };
    try {
      await Promise.all(sinks.map((sink) => redeliverTo(run, sink)));
      const names = sinks.map(({ name }) => name);
      await buryOrphans(db, names, policy.deadAfterMs);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };

  /** Until nothing is due, the time is up, or a whole batch failed: then the sink is away. */
  async function redeliverTo(run: DeliveryRun, sink: AnalyticsSink): Promise<void> {
    let due, left;
    do {
      due = await claimDue(db, sink.name, policy.claimMs, batch);
      left = await deliverToSink(run, sink, due);
    } while (due.length === batch && left < batch && performance.now() < run.until);
  }
}

function undelivered(pending: number): ApplicationFailure {
  const message = `${String(pending)} deliveries are pending`;
  return ApplicationFailure.create({ type: 'analytics_undelivered', message, nonRetryable: false });
}
