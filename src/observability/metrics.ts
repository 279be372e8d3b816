import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AttemptOutcome, ExecutionKind, FailureReason, FinalStatus } from '../domain/status.ts';

export interface EndedAttempt {
  readonly organizationId: string;
  readonly handler: string;
  readonly kind: ExecutionKind;
  readonly outcome: Exclude<AttemptOutcome, 'running'>;
  readonly reason: FailureReason | null;
  /** The execution's status where this was its last attempt. */
  readonly final: FinalStatus | null;
  readonly queueMs: number;
  readonly runMs: number;
}

/** How far deliveries to one sink are behind. */
export interface SinkLag {
  readonly organizationId: string;
  readonly sink: string;
  readonly pending: number;
  readonly oldestMs: number;
  readonly dead: number;
}

/** What one process counts of its own work; docs/operations.md lists the names. */
export interface Metrics {
  eventAccepted(event: { organizationId: string; type: string; duplicate: boolean }): void;
  requestAnswered(request: { method: string; route: string; status: number; durationMs: number }): void;
  attemptEnded(attempt: EndedAttempt): void;
  /** As the handler saw it, replays too. `outcome`: `succeeded`, or the code of the error. */
  callEnded(call: { organizationId: string; name: string; outcome: string; durationMs: number }): void;
  /** Asked at every scrape. */
  watchRelay(lagMs: () => number): void;
  watchSinks(lags: () => Promise<readonly SinkLag[]>): void;
  /** The text that Prometheus reads. */
  text(): Promise<{ readonly body: string; readonly contentType: string }>;
}

/** From a helper's millisecond to the longest that an attempt may take. */
const secondsBuckets = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Waiting has no bound. */
const queueBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 7_200];

/** Counters of this process, from 0 at its start. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const refreshes: (() => Promise<void>)[] = [];
  collectDefaultMetrics({ register: registry });

  const events = new Counter({
    name: 'afterword_events_total',
    help: 'Conversation events accepted; duplicate: the event was known already.',
    labelNames: ['organization', 'type', 'duplicate'],
    registers,
  });
  const requests = new Histogram({
    name: 'afterword_http_request_seconds',
    help: 'Requests to the API, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: secondsBuckets,
    registers,
  });
  const attempts = new Counter({
    name: 'afterword_attempts_total',
    help: 'Attempts of handlers that ended; lost: the platform failed under it.',
    labelNames: ['organization', 'handler', 'kind', 'outcome', 'reason'],
    registers,
  });
  const executions = new Counter({
    name: 'afterword_executions_total',
    help: 'Executions that ended with an attempt, by how.',
    labelNames: ['organization', 'handler', 'kind', 'status', 'reason'],
    registers,
  });
  const queued = new Histogram({
    name: 'afterword_queue_seconds',
    help: 'Wait of an attempt for a worker.',
    labelNames: ['organization'],
    buckets: queueBuckets,
    registers,
  });
  const ran = new Histogram({
    name: 'afterword_run_seconds',
    help: 'Run time of the code of one attempt.',
    labelNames: ['organization', 'handler'],
    buckets: secondsBuckets,
    registers,
  });
  const calls = new Histogram({
    name: 'afterword_call_seconds',
    help: 'Calls of helpers and HTTP requests (http) of handlers, replayed ones too.',
    labelNames: ['organization', 'name', 'outcome'],
    buckets: secondsBuckets,
    registers,
  });

  return {
    eventAccepted({ organizationId, type, duplicate }) {
      events.inc({ organization: organizationId, type, duplicate: String(duplicate) });
    },
    requestAnswered({ method, route, status, durationMs }) {
      requests.observe({ method, route, status }, durationMs / 1_000);
    },
    attemptEnded({ organizationId: organization, handler, kind, outcome, reason, final, queueMs, runMs }) {
      attempts.inc({ organization, handler, kind, outcome, reason: reason ?? '' });
      if (final !== null) executions.inc({ organization, handler, kind, status: final, reason: reason ?? '' });
      queued.observe({ organization }, Math.max(0, queueMs) / 1_000);
      ran.observe({ organization, handler }, runMs / 1_000);
    },
    callEnded({ organizationId, name, outcome, durationMs }) {
      calls.observe({ organization: organizationId, name, outcome }, durationMs / 1_000);
    },
    watchRelay(lagMs) {
      new Gauge({
        name: 'afterword_relay_lag_seconds',
        help: 'For how long accepted events have been waiting for the relay; 0: none wait.',
        registers,
        collect() {
          this.set(lagMs() / 1_000);
        },
      });
    },
    watchSinks(lags) {
      const labelNames = ['organization', 'sink'] as const;
      const pending = new Gauge({
        name: 'afterword_sink_pending',
        help: 'Analytics events that wait for a sink.',
        labelNames,
        registers,
      });
      const dead = new Gauge({
        name: 'afterword_sink_dead',
        help: 'Analytics events that a sink refused or that were given up.',
        labelNames,
        registers,
      });
      const lag = new Gauge({
        name: 'afterword_sink_lag_seconds',
        help: 'Age of the oldest analytics event that waits for a sink.',
        labelNames,
        registers,
      });
      refreshes.push(async () => {
        // While the store is away the others are still answered.
        const found = await lags().catch(() => []);
        for (const gauge of [pending, dead, lag]) gauge.reset();
        for (const { organizationId: organization, sink, ...at } of found) {
          pending.set({ organization, sink }, at.pending);
          dead.set({ organization, sink }, at.dead);
          lag.set({ organization, sink }, at.oldestMs / 1_000);
        }
      });
    },
    async text() {
      await Promise.all(refreshes.map((refresh) => refresh()));
      return { body: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
