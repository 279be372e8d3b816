import { inject, vi } from 'vitest';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import { HandlerSettings } from '../../src/contract/handler.ts';
import { createSandbox } from '../../src/sandbox/create-sandbox.ts';
import { listHandlers, setHandlerEnabled } from '../../src/store/handlers.ts';
import type { Temporal } from '../../src/temporal/connection.ts';
import { connectNative } from '../../src/temporal/native-connection.ts';
import { createEventStarter } from '../../src/temporal/start-event.ts';
import { startWorkers } from '../../src/workers.ts';
import { toStandIns } from '../setup/http.ts';
import { organization, type SystemOptions, type TestSystem } from '../setup/system.ts';

/** A busy machine takes its time; a condition that never comes true still fails within the test's own limit. */
const patience = { timeout: 25_000, interval: 50 };

/** Waits until the assertion holds; its last failure is the test's. */
export function eventually<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, patience);
}

export interface HandlerOfTest {
  readonly code: string;
  readonly attempts?: number;
  readonly delaySeconds?: number;
  readonly cancelOn?: HandlerSettings['cancelOn'];
  readonly egress?: HandlerSettings['egress'];
  readonly limits?: HandlerSettings['limits'];
  readonly eventType?: 'conversation_closed' | 'conversation_handed_off' | 'conversation_reopened';
  readonly enabled?: boolean;
  readonly language?: 'python' | 'typescript';
  readonly secrets?: readonly string[];
}

/** Exactly these handlers are on from here. */
export async function useHandlers(
  system: TestSystem,
  handlers: Readonly<Record<string, string | HandlerOfTest>>,
): Promise<void> {
  for (const { name, enabled } of await listHandlers(system.store.db, organization)) {
    if (enabled) await setHandlerEnabled(system.store.db, organization, name, false);
  }
  for (const [name, handler] of Object.entries(handlers)) {
    const given: HandlerOfTest = typeof handler === 'string' ? { code: handler } : handler;
    const { code, eventType, language, enabled = true, ...rest } = given;
    const settings = HandlerSettings.parse(rest);
    const more = { ...(eventType === undefined ? {} : { eventType }), ...(language === undefined ? {} : { language }) };
    await system.push(name, code, { settings, enabled, ...more });
  }
}

/** A handler with this body, which is indented for it. */
export function handler(body: string): string {
  const lines = body.trim().split('\n');
  return `import json, sys, time\ndef handle_event(context):\n${lines.map((line) => `    ${line}`).join('\n')}\n`;
}

export interface RunningWorkers {
  stop(): Promise<void>;
}

/** Workers for a system without, or a second pair. */
export async function startWorkersFor(
  system: TestSystem,
  options: Omit<SystemOptions, 'withoutWorkers'> & { readonly temporal?: Temporal } = {},
): Promise<RunningWorkers> {
  const { store, taskQueue } = system;
  const { temporal = system.temporal, checkpoint, wallMs, handlerSlots = 12, http = toStandIns } = options;
  const sandbox = await createSandbox({ pythonPath: inject('python') ?? 'python3' });
  const connection = await connectNative({ address: temporal.address });
  const workers = await startWorkers({
    store,
    temporal,
    connection,
    sandbox,
    http,
    taskQueue,
    handlerSlots,
    workflowBundlePath: inject('workflowBundle'),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(wallMs === undefined ? {} : { wallMs }),
  });
  return {
    async stop() {
      await workers.shutdown();
      await sandbox.close();
      await connection.close();
    },
  };
}

/** Starts the workflow of an event that the store has accepted, as the API and the relay do. */
export function eventStarterOf(system: TestSystem): ReturnType<typeof createEventStarter> {
  return createEventStarter(system.temporal.client, { taskQueue: system.taskQueue });
}

export function fetchHistory(system: TestSystem, workflowId: string): Promise<History> {
  return system.temporal.client.workflow.getHandle(workflowId).fetchHistory();
}
