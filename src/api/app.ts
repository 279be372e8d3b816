import { cors } from 'hono/cors';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { routePath } from 'hono/route';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import { logRequest } from '../observability/server-log.ts';
import { traceRequest } from '../observability/tracing.ts';
import { type Keyring, noKeyring } from '../secrets/keyring.ts';
import type { Store } from '../store/database.ts';
import type { CreatedRerun } from '../store/reruns.ts';
import { authenticate } from './authenticate.ts';
import { limitBody, requireUtf8 } from './body.ts';
import { type Canceller, createCancelling } from './cancelling.ts';
import { createKnownKeys } from './known-keys.ts';
import { createRunDirectly, createStartDirectly, type DirectRunner } from './direct-runs.ts';
import { createRouter } from './environment.ts';
import type { Api, ApiDependencies, TestSink } from './environment.ts';
import { createEventStreams, type EventStreamsOptions } from './event-streams.ts';
import type { CheckCode } from './handler-code.ts';
import { serveDescription } from './openapi.ts';
import { answerProblem, createErrorAnswer } from './problems.ts';
import { limitRate } from './rate-limit.ts';
import { serveReferencePage } from './reference-page.ts';
import { addApiKeyRoutes } from './routes/api-keys.ts';
import { addAuditRoute } from './routes/audit.ts';
import { createRedeliverSoon } from './redeliver-soon.ts';
import { addAnalyticsRoutes } from './routes/analytics.ts';
import { addConversationEventRoutes } from './routes/conversation-events.ts';
import { addConversationPartRoutes } from './routes/conversation-parts.ts';
import { addConversationRoutes } from './routes/conversations.ts';
import { addCredentialsRoutes } from './routes/credentials.ts';
import { addDatalakeRoute } from './routes/datalake.ts';
import { addDeadLetterRoutes } from './routes/dead-letters.ts';
import { addEgressRoutes } from './routes/egress.ts';
import { addExecutionStreamRoutes } from './routes/execution-streams.ts';
import { addExecutionRoutes } from './routes/executions.ts';
import { addHandlerDraftRoutes } from './routes/handler-drafts.ts';
import { addHandlerVersionRoutes } from './routes/handler-versions.ts';
import { addHandlerRoutes } from './routes/handlers.ts';
import { addHealthRoutes } from './routes/health.ts';
import type { Health } from './routes/health.ts';
import { metricsRoute, type MetricsAccess } from './routes/metrics.ts';
import { addHelperRoutes, type HelperRegistry } from './routes/helpers.ts';
import { addOrganizationRoute } from './routes/organization.ts';
import { addRerunRoutes } from './routes/reruns.ts';
import { addSecretRoutes } from './routes/secrets.ts';
import { addSinkRoutes } from './routes/sinks.ts';
import { addTimelineEventRoutes } from './routes/timeline-events.ts';
import { addTestRunRoutes } from './routes/test-runs.ts';
import { addToolRoute } from './routes/tools.ts';
import { corsAnswers, securityHeaders } from './security-headers.ts';
import { createStartSoon } from './start-soon.ts';
import type { StartEvent } from './start-soon.ts';
import type { Rate } from './token-buckets.ts';

export interface AppOptions {
  readonly store: Store;
  readonly startEvent: StartEvent;
  readonly directRunner: DirectRunner;
  readonly canceller: Canceller;
  /** Left out: code is taken unchecked, and the answers say so. */
  readonly checkCode?: CheckCode;
  readonly registry: HelperRegistry;
  /** What seals secrets; left out: none can be set. */
  readonly keys?: Keyring;
  /** Has the redelivery begin now; left out: it begins in its time. Throws `temporal_unavailable`. */
  readonly redeliver?: () => Promise<void>;
  /** Left out: sinks cannot be tested here. */
  readonly testSink?: TestSink;
  readonly health: Health;
  readonly log: Log;
  /** Left out: nothing is counted, and there is no /metrics. */
  readonly metrics?: { readonly metrics: Metrics; readonly access: MetricsAccess };
  /** Whether requests have spans. */
  readonly traced?: boolean;
  /** How long a publisher waits for Temporal at most; 1 s. */
  readonly startWaitMs?: number;
  /** Other times of streams than usual. */
  readonly eventStreams?: Pick<EventStreamsOptions, 'heartbeatMs' | 'mostMs'>;
  /** Requests of each key that has no limit of its own; 2,000 a second. */
  readonly rateLimit?: Rate;
  /** Origins whose pages may read answers; none. */
  readonly corsOrigins?: readonly string[];
}

const defaultRate: Rate = { perSecond: 2_000, burst: 4_000 };

/** The whole HTTP interface, without a port: `app.fetch` answers requests. */
export function createApp(options: AppOptions): Api {
  const { store, startEvent, directRunner, canceller, checkCode, health, log, startWaitMs } = options;
  const metrics = options.metrics?.metrics;
  const app = createRouter();
  app.use(requestId({ limitLength: 100 }));
  if (options.traced === true) {
    app.use((c, next) =>
      traceRequest({ method: c.req.method, headers: c.req.header() }, async () => {
        await next();
        return { route: routePath(c, -1), status: c.res.status };
      }),
    );
  }
  app.use(async (c, next) => {
    const start = performance.now();
    await next();
    const durationMs = Math.round(performance.now() - start);
    logRequest(log, {
      requestId: c.get('requestId'),
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs,
    });
    metrics?.requestAnswered({ method: c.req.method, route: routePath(c, -1), status: c.res.status, durationMs });
  });
  app.use(securityHeaders);
  const { corsOrigins = [] } = options;
  if (corsOrigins.length > 0) app.use(cors({ origin: [...corsOrigins], ...corsAnswers }));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        c.header('Allow', methods.join(', '));
        const detail = `${c.req.path} takes ${methods.join(', ')}, not ${c.req.method}.`;
        return answerProblem(c, new AfterwordError('method_not_allowed', detail));
      },
    }),
  );
  app.onError(createErrorAnswer(log));
  app.notFound((c) => answerProblem(c, new AfterwordError('not_found', `There is no ${c.req.path} here.`)));

  addHealthRoutes(app, store, health);
  if (options.metrics !== undefined) app.route('/', metricsRoute(options.metrics.metrics, options.metrics.access));
  app.use('/api/*', async (c, next) => {
    c.header('Cache-Control', 'no-store');
    await next();
  });
  const knownKeys = createKnownKeys(store.db);
  app.use('/api/*', async (c, next) => {
    c.set('services', { db: store.db, log });
    await next();
  });
  app.use('/api/*', authenticate(knownKeys), limitRate(options.rateLimit ?? defaultRate), limitBody(), requireUtf8);
  const patience = { log, ...(startWaitMs === undefined ? {} : { waitMs: startWaitMs }) };
  const topics = createTopics({
    store,
    startSoon: createStartSoon({ start: startEvent, ...patience }),
    startRerunSoon: createStartSoon({ start: (run: CreatedRerun) => directRunner.start(run), ...patience }),
    runDirectly: createRunDirectly(store, directRunner),
    startDirectly: createStartDirectly(store, directRunner),
    eventStreams: createEventStreams({ log, stopping: directRunner.stopping, ...options.eventStreams }),
    cancelling: createCancelling(store, canceller),
    checkCode: checkCode ?? unchecked,
    registry: options.registry,
    helperNames: new Set(options.registry.helpers.map(({ name }) => name)),
    keys: options.keys ?? noKeyring,
    knownKeys,
    testSink: options.testSink,
    redeliverSoon: createRedeliverSoon(options.redeliver, log),
    log,
    metrics,
  });
  app.route('/api/v1', topics);
  serveDescription(app);
  serveReferencePage(app);
  return app;
}

const unchecked: CheckCode = () =>
  Promise.resolve({ outcome: 'skipped', reason: 'this server has no Python to read it with' });

function createTopics(deps: ApiDependencies): Api {
  const api = createRouter();
  addConversationEventRoutes(api, deps);
  addConversationRoutes(api, deps);
  addConversationPartRoutes(api, deps);
  addTimelineEventRoutes(api, deps);
  addHandlerRoutes(api, deps);
  addHandlerVersionRoutes(api, deps);
  addHandlerDraftRoutes(api, deps);
  addHelperRoutes(api, deps);
  addSecretRoutes(api, deps);
  addSinkRoutes(api, deps);
  addAnalyticsRoutes(api, deps);
  addDeadLetterRoutes(api, deps);
  addDatalakeRoute(api, deps);
  addExecutionStreamRoutes(api, deps);
  addExecutionRoutes(api, deps);
  addRerunRoutes(api, deps);
  addTestRunRoutes(api, deps);
  addToolRoute(api, deps);
  addOrganizationRoute(api, deps);
  addEgressRoutes(api, deps);
  addApiKeyRoutes(api, deps);
  addAuditRoute(api, deps);
  addCredentialsRoutes(api, deps);
  return api;
}
