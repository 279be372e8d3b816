import { randomUUID } from 'node:crypto';
import { inject } from 'vitest';
import type { z } from 'zod';
import type { Checkpoint } from '../../src/activities/checkpoint.ts';
import { connectAfterword, type AfterwordClient } from '../../src/client.ts';
import type { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { HandlerPush } from '../../src/contract/handler.ts';
import type { HelperServices } from '../../src/helpers/services.ts';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { AnalyticsSink } from '../../src/analytics/sink.ts';
import type { DeliveryPolicy } from '../../src/domain/delivery-policy.ts';
import type { RetentionPolicy } from '../../src/domain/retention-policy.ts';
import type { HttpGatewayOptions } from '../../src/sandbox/http-gateway/gateway.ts';
import type { Keyring } from '../../src/secrets/keyring.ts';
import { openStore, type Store } from '../../src/store/database.ts';
import { getExecution, listExecutions } from '../../src/store/executions.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { putSecret } from '../../src/store/secrets.ts';
import { connectTemporal, type Temporal } from '../../src/temporal/connection.ts';
import { connectNative } from '../../src/temporal/native-connection.ts';
import { startWorkers } from '../../src/workers.ts';
import { createDatabase } from './databases.ts';
import { toStandIns } from './http.ts';
import { testKeys } from './keys.ts';
import './provided.ts';
import './quiet-runtime.ts';

export const organization = 'example';

export type EventInput = z.input<typeof ConversationEventInput>;

export interface SystemOptions {
  readonly checkpoint?: Checkpoint;
  readonly wallMs?: number;
  readonly outsideMs?: number;
  readonly handlerSlots?: number;
  /** Stand-ins on this machine where left out. */
  readonly http?: HttpGatewayOptions;
  /** What helpers ask outside; left out: nothing is configured. */
  readonly services?: HelperServices;
  readonly sinks?: readonly AnalyticsSink[];
  readonly deliveryPolicy?: DeliveryPolicy;
  readonly retention?: RetentionPolicy;
  /** What its workers open secrets with; those of all tests where left out. */
  readonly keys?: Keyring;
  /** PostgreSQL where left out. */
  readonly store?: Store;
  /** Without workers: they are the test's own processes. */
  readonly withoutWorkers?: boolean;
}

/** A running Afterword of a test's own: real PostgreSQL, real Temporal on a task queue of its own, the real cage. */
export interface TestSystem {
  readonly store: Store;
  readonly temporal: Temporal;
  readonly client: AfterwordClient;
  readonly taskQueue: string;
  readonly databaseUrl: string;
  setSecret(name: string, value: string): Promise<void>;
  push(name: string, code: string, more?: Partial<z.input<typeof HandlerPush>>): Promise<void>;
  /** Publishes and waits; the event's executions in full, by handler name. */
  run(event?: Partial<EventInput>): Promise<Record<string, Awaited<ReturnType<typeof getExecution>>>>;
  executionsOf(workflowId: string): Promise<Record<string, Awaited<ReturnType<typeof getExecution>>>>;
  stop(): Promise<void>;
}

export function closedEvent(more: Partial<EventInput> = {}): EventInput {
  const id = randomUUID();
  return {
    id: `event-${id}`,
    type: 'conversation_closed',
    conversation: {
      id,
      publicId: id.slice(0, 8).toUpperCase(),
      subject: 'Where is my order?',
      businessSlug: 'example-shop',
      messages: [
        { sender: 'customer', timestamp: '2026-01-05T10:00:00Z', content: 'Where is my order?', channel: 'email' },
        { sender: 'agent', timestamp: '2026-01-05T10:05:00Z', content: 'It is on its way.', channel: 'email' },
      ],
    },
    ...more,
  };
}

export async function startSystem(options: SystemOptions = {}): Promise<TestSystem> {
  const { address } = inject('temporal');
  const database = options.store === undefined ? await createDatabase() : undefined;
  const store = options.store ?? (await openStore({ databaseUrl: database?.url, embeddedFolder: '' }));
  await ensureOrganization(store.db, { id: organization, name: 'Example' });
  const taskQueue = `test-${randomUUID()}`;
  const temporal = connectTemporal({ address });
  const client = connectAfterword({ organization, taskQueue, address });
  const workers = options.withoutWorkers === true ? undefined : await startTestWorkers();

  async function startTestWorkers() {
    const sandbox = await createSandbox({ pythonPath: inject('python') ?? 'python3' });
    const connection = await connectNative({ address });
    const { checkpoint, services, wallMs, outsideMs, handlerSlots = 12, http = toStandIns } = options;
    const { sinks, deliveryPolicy, retention, keys = testKeys } = options;
    const running = await startWorkers({
      store,
      temporal,
      connection,
      sandbox,
      http,
      keys,
      taskQueue,
      handlerSlots,
      workflowBundlePath: inject('workflowBundle'),
      ...(checkpoint ? { checkpoint } : {}),
      ...(services ? { services: () => () => services } : {}),
      ...(wallMs === undefined ? {} : { wallMs }),
      ...(sinks ? { sinks } : {}),
      ...(deliveryPolicy ? { deliveryPolicy } : {}),
      ...(retention ? { retention } : {}),
      ...(outsideMs === undefined ? {} : { outsideMs }),
    });
    return {
      async stop() {
        await running.shutdown();
        await sandbox.close();
        await connection.close();
      },
    };
  }

  async function executionsOf(workflowId: string) {
    const event = await store.db
      .selectFrom('conversation_events')
      .select('id')
      .where('workflow_id', '=', workflowId)
      .executeTakeFirstOrThrow();
    const executions = await listExecutions(store.db, organization, { event: event.id, limit: 1_000 });
    const details = await Promise.all(executions.map(({ id }) => getExecution(store.db, organization, id)));
    return Object.fromEntries(details.map((detail) => [detail.handlerName, detail]));
  }

  return {
    store,
    temporal,
    client,
    taskQueue,
    databaseUrl: database?.url ?? '',
    async setSecret(name, value) {
      await putSecret(store.db, organization, name, testKeys.seal(value, ['secret', organization, name]));
    },
    async push(name, code, more = {}) {
      const push = HandlerPush.parse({ name, eventType: 'conversation_closed', code, ...more });
      await pushHandler(store.db, organization, push);
    },
    async run(event) {
      const published = await client.publish(closedEvent(event));
      await client.result(published.workflowId);
      return executionsOf(published.workflowId);
    },
    executionsOf,
    async stop() {
      await workers?.stop();
      await client.close();
      await temporal.close();
      await store.close();
      await database?.drop();
    },
  };
}
