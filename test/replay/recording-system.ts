import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import type { NativeConnection } from '@temporalio/worker';
import type { Checkpoint } from '../../src/activities/checkpoint.ts';
import { connectAfterword, type AfterwordClient } from '../../src/client.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { workflowBundlePath } from '../../src/config/workflow-bundle.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { HandlerPush, type HandlerSettings } from '../../src/contract/handler.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { acceptEvent, type AcceptedEvent } from '../../src/store/conversation-events.ts';
import { openStore, type Store } from '../../src/store/database.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import { migrate } from '../../src/store/migrate.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import { createRerun } from '../../src/store/reruns.ts';
import { connectTemporal, type Temporal } from '../../src/temporal/connection.ts';
import { startTemporalDevServer } from '../../src/temporal/dev-server.ts';
import { connectNative } from '../../src/temporal/native-connection.ts';
import { startDirectRun } from '../../src/temporal/start-direct-run.ts';
import { createEventStarter } from '../../src/temporal/start-event.ts';
import { startWorkers } from '../../src/workers.ts';

/** Activity tasks are asked for by long polls, which the server refuses without a deadline. */
const pollTimeoutMs = 30_000;

/** Everything that the scenarios share: a Temporal server, the embedded store, the cage. */
export interface RecordingSystem {
  readonly store: Store;
  readonly temporal: Temporal;
  readonly connection: NativeConnection;
  readonly sandbox: Sandbox;
  stop(): Promise<void>;
}

export async function startRecordingSystem(): Promise<RecordingSystem> {
  const { temporalCli, python } = readToolchain();
  if (temporalCli === null || python === null) throw new Error('Run `npm run setup` first.');
  const embeddedFolder = await mkdtemp(join(tmpdir(), 'afterword-replay-'));
  const server = await startTemporalDevServer({ cliPath: temporalCli });
  const store = await openStore({ embeddedFolder });
  await migrate(store);
  const sandbox = await createSandbox({ pythonPath: python });
  const temporal = connectTemporal({ address: server.address });
  const connection = await connectNative({ address: server.address });
  return {
    store,
    temporal,
    connection,
    sandbox,
    async stop() {
      await sandbox.close();
      await connection.close();
      await temporal.close();
      await store.close();
      await server.stop();
      await rm(embeddedFolder, { recursive: true, force: true });
    },
  };
}

export interface ScenarioWorkers {
  readonly checkpoint?: Checkpoint;
  readonly wallMs?: number;
  readonly handlerSlots?: number;
  readonly sandbox?: Sandbox;
}

/** One scenario's own part: an organisation and a task queue, so that no handler of another scenario runs. */
export interface ScenarioSystem extends RecordingSystem {
  readonly organization: string;
  readonly taskQueue: string;
  readonly client: AfterwordClient;
  push(name: string, code: string, settings?: z.input<typeof HandlerSettings>): Promise<void>;
  startWorkers(options?: ScenarioWorkers): Promise<void>;
  /** The first half of what the API does; `claimFor`: a run that takes the event up at once. */
  accept(event?: object, claimFor?: string): Promise<AcceptedEvent>;
  /** The second half: the workflow, with the pinned executions. Answers its id. */
  start(accepted: AcceptedEvent): Promise<string>;
  /** With the newest version. Answers the id of its workflow. */
  rerun(executionId: string): Promise<string>;
  /** As the direct client does, naming a conversation that is known: no message travels. */
  publishDirect(event: { readonly id: string; readonly conversationId: string }): Promise<string>;
  /** A worker takes one of the waiting handlers and dies of it. */
  loseOneHandler(): Promise<void>;
}

export async function openScenario(system: RecordingSystem, name: string): Promise<ScenarioSystem> {
  const organization = name;
  const taskQueue = `replay-${name}`;
  const { store, temporal } = system;
  await ensureOrganization(store.db, { id: organization, name: 'Recorded' });
  const client = connectAfterword({ organization, taskQueue, address: temporal.address });
  const startEvent = createEventStarter(temporal.client, { taskQueue });
  const running: { shutdown(): Promise<void> }[] = [];

  return {
    ...system,
    organization,
    taskQueue,
    client,
    async push(handler, code, settings = {}) {
      const push = HandlerPush.parse({ name: handler, eventType: 'conversation_closed', code, settings });
      await pushHandler(store.db, organization, push);
    },
    async startWorkers(options = {}) {
      running.push(
        await startWorkers({
          ...system,
          http: { openNetworks: [], origins: new Map() },
          taskQueue,
          handlerSlots: 12,
          workflowBundlePath,
          ...options,
        }),
      );
    },
    accept(event = {}, claimFor?) {
      const input = ConversationEventInput.parse({ ...recordedEvent(), ...event });
      return acceptEvent(store.db, organization, input, { claimFor });
    },
    async start(accepted) {
      await startEvent({ ...accepted, organizationId: organization });
      return accepted.workflowId;
    },
    async rerun(executionId) {
      const names = new Set(helpers.map((helper) => helper.name));
      const input = { version: 'newest', fresh: false } as const;
      const run = await createRerun(store.db, organization, executionId, input, names);
      await startDirectRun(temporal.client, taskQueue, run);
      return run.workflowId;
    },
    async publishDirect(event) {
      const { workflowId } = await client.publish({ type: 'conversation_closed', ...event });
      return workflowId;
    },
    async loseOneHandler() {
      const { connection } = temporal.client;
      const taken = await connection.withDeadline(Date.now() + pollTimeoutMs, () =>
        connection.workflowService.pollActivityTaskQueue({
          namespace: temporal.namespace,
          taskQueue: { name: `${taskQueue}-handlers` },
        }),
      );
      if (taken.taskToken.length === 0) throw new Error('no handler came');
    },
    async stop() {
      for (const workers of running) await workers.shutdown();
      await client.close();
    },
  };
}

function recordedEvent() {
  const id = randomUUID();
  return {
    id: randomUUID(),
    type: 'conversation_closed',
    conversation: {
      id,
      publicId: id.slice(0, 8).toUpperCase(),
      subject: 'A recorded conversation',
      businessSlug: 'example-shop',
      messages: [{ sender: 'customer', timestamp: '2026-01-05T10:00:00Z', content: 'Hello', channel: 'email' }],
    },
  };
}
