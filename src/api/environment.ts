import { OpenAPIHono } from '@hono/zod-openapi';
import type { Scope } from '../domain/scopes.ts';
import type { Log } from '../observability/log.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { Database, Store } from '../store/database.ts';
import type { SinkTest } from '../contract/sink.ts';
import type { StoredSink } from '../store/sinks.ts';
import type { Cancelling } from './cancelling.ts';
import type { CreatedRerun } from '../store/reruns.ts';
import type { RunDirectly, StartDirectly } from './direct-runs.ts';
import type { EventStreams } from './event-streams.ts';
import type { CheckCode } from './handler-code.ts';
import type { KnownKeys } from './known-keys.ts';
import type { EventToStart } from './start-soon.ts';
import type { HelperRegistry } from './routes/helpers.ts';
import { checkInput } from './validation.ts';

export type TestSink = (sink: StoredSink) => Promise<SinkTest>;

/** What the routes work with. */
export interface ApiDependencies {
  readonly store: Store;
  /** Starts the workflow of an accepted event, or leaves it to the relay; never throws, never waits long. */
  readonly startSoon: (event: EventToStart) => Promise<void>;
  /** The same for a re-run. */
  readonly startRerunSoon: (run: CreatedRerun) => Promise<void>;
  readonly runDirectly: RunDirectly;
  /** The same without waiting for its end. */
  readonly startDirectly: StartDirectly;
  readonly registry: HelperRegistry;
  /** Of all helpers that handlers may call. */
  readonly helperNames: ReadonlySet<string>;
  readonly keys: Keyring;
  readonly knownKeys: KnownKeys;
  readonly cancelling: Cancelling;
  readonly eventStreams: EventStreams;
  readonly checkCode: CheckCode;
  /** Has what waits for sinks delivered without waiting for the next time; never throws, never waits long. */
  readonly redeliverSoon: () => Promise<void>;
  /** Sends a test event to a sink; never throws for what the sink does. */
  readonly testSink: TestSink | undefined;
  readonly log: Log;
  readonly metrics?: Metrics | undefined;
}

/** What the middleware found out about a request. */
export interface ApiEnvironment {
  Variables: {
    requestId: string;
    organizationId: string;
    /** Of the request's key. */
    keyId: string;
    keyName: string;
    /** Requests a second; null: what the server allows each key. */
    keyRateLimit: number | null;
    scopes: readonly Scope[];
    /** What the middleware of routes works with. */
    services: { readonly db: Database; readonly log: Log };
    /** The route has seen to the audit log itself. */
    audited?: boolean;
    /** A part has to be sent again: the answer is not the one for its Idempotency-Key. */
    unfinished?: boolean;
  };
}

export type Api = OpenAPIHono<ApiEnvironment>;

export function createRouter(): Api {
  return new OpenAPIHono<ApiEnvironment>({ defaultHook: checkInput });
}
