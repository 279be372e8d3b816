import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../cli/api-client.ts';
import type { ApiClient } from '../cli/api-client.ts';
import { fetchDetails } from '../cli/wait.ts';
import { connectAfterword } from '../client.ts';
import type { AfterwordClient, ConversationEventInput, Published } from '../client.ts';
import type { ExecutionDetail } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { readExampleEvents, readExampleHandlers } from './example-files.ts';
import { exampleOrganization } from './parts/store-part.ts';
import type { System } from './system.ts';

const resultWithinMs = 120_000;

/** One example event and what its handlers did. */
export interface ExampleRun {
  readonly event: ConversationEventInput;
  readonly published: Published;
  readonly executions: readonly ExecutionDetail[];
}

export interface Examples {
  readonly api: ApiClient;
  /** Whether this organisation has never had an event: then the examples are installed and published. */
  isFirstStart(): Promise<boolean>;
  /** Sends each example handler that is not there yet; answers their names. */
  installHandlers(): Promise<string[]>;
  /** Publishes the example events straight to Temporal and waits for their handlers. */
  publishEvents(): Promise<ExampleRun[]>;
  /** The same events again. */
  publishAgain(): Promise<Published[]>;
  close(): Promise<void>;
}

/** Everything goes the way users go: handlers over HTTP, events through the client. */
export function openExamples(system: System, signal: AbortSignal): Examples {
  const api = createApiClient({ url: system.apiUrl, key: system.adminKey, signal });
  const client = connectAfterword({
    organization: exampleOrganization.id,
    taskQueue: system.taskQueue,
    address: system.temporalAddress,
    namespace: system.namespace,
  });
  return {
    api,
    isFirstStart: async () => (await api.executions({ limit: 1 })).items.length === 0,
    async installHandlers() {
      const known = new Set((await api.handlers()).map(({ name }) => name));
      const missing = (await readExampleHandlers()).filter(({ name }) => !known.has(name));
      for (const handler of missing) await api.pushHandler(handler);
      return missing.map(({ name }) => name);
    },
    publishEvents: async () =>
      Promise.all((await readExampleEvents()).map((event) => runEvent({ client, api, signal }, event))),
    publishAgain: async () => Promise.all((await readExampleEvents()).map((event) => client.publish(event))),
    close: () => client.close(),
  };
}

async function runEvent(
  { client, api, signal }: { client: AfterwordClient; api: ApiClient; signal: AbortSignal },
  event: ConversationEventInput,
): Promise<ExampleRun> {
  const published = await client.publish(event);
  const { id } = await inTime(client.result(published.workflowId), event, signal);
  return { event, published, executions: await fetchDetails(api, await api.eventExecutions(id)) };
}

async function inTime<T>(result: Promise<T>, event: ConversationEventInput, signal: AbortSignal): Promise<T> {
  const settled = new AbortController();
  const late = sleep(resultWithinMs, undefined, { signal: AbortSignal.any([signal, settled.signal]) }).then(() => {
    throw new AfterwordError(
      'wait_timed_out',
      `The handlers of ${event.type} had not ended after ${resultWithinMs / 1_000} s.`,
    );
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    settled.abort();
    late.catch(() => undefined);
  }
}
