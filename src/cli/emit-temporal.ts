import type { AfterwordClient } from '../client.ts';
import { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventFault } from '../contract/event-fault.ts';
import { AfterwordError } from '../domain/errors.ts';
import { followEvent, reportEmitted } from './emitted.ts';
import type { Emitted, EmitOptions } from './emitted.ts';
import type { Invocation } from './environment.ts';
import type { EventFile, FileEvent } from './event-file.ts';
import { temporalTarget } from './local-temporal.ts';

interface Waiting {
  /** Of Date.now(). */
  readonly untilMs: number;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

interface Started {
  readonly workflowId: string;
  readonly duplicate: boolean;
}

/** Publishes without HTTP. Nothing is sent when one event of the file is not valid. `--wait` reads over HTTP. */
export async function emitToTemporal(invocation: Invocation, file: EventFile, options: EmitOptions): Promise<void> {
  const inputs = file.events.map(checked);
  const { connectAfterword } = await import('../client.ts');
  const config = invocation.environment.loadConfig();
  const client = connectAfterword({ organization: config.organization, ...temporalTarget(config) });
  try {
    const started: Started[] = [];
    for (const input of inputs) {
      const { workflowId, duplicate } = await client.publish(input);
      invocation.output.line(`${workflowId}: ${duplicate ? 'known already, nothing runs twice' : 'started'}`);
      started.push({ workflowId, duplicate });
    }
    if (options.wait !== true) {
      const emitted = started.map(({ workflowId, duplicate }) => ({ event: { id: null, workflowId, duplicate } }));
      invocation.output.result(file.isList ? { items: emitted } : emitted[0], () => '');
      return;
    }
    const { signal } = invocation.environment;
    const waiting = { untilMs: Date.now() + options.timeout * 1_000, timeoutSeconds: options.timeout, signal };
    const api = invocation.api();
    const emitted: Emitted[] = [];
    for (const { workflowId, duplicate } of started) {
      const id = await settledEvent(client, workflowId, waiting);
      emitted.push(await followEvent(invocation, api, { id, workflowId, duplicate }, waiting.untilMs));
    }
    reportEmitted(invocation, emitted, file.isList, options);
  } finally {
    await client.close();
  }
}

function checked(event: FileEvent): ConversationEventInput {
  const parsed = ConversationEventInput.safeParse(event.value);
  if (parsed.success) return parsed.data;
  const fault = eventFault(event.value, 'event');
  if (fault.fields.length === 0) throw fault;
  throw new AfterwordError('invalid_file', 'The event is not valid:', {
    fields: event.place(fault.fields),
    cause: fault,
  });
}

/** The event's id in the store, when its handlers have settled. Throws `wait_timed_out`. */
async function settledEvent(client: AfterwordClient, workflowId: string, waiting: Waiting): Promise<string> {
  const settled = client.result(workflowId).catch((error: unknown) => {
    if (error instanceof AfterwordError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new AfterwordError('handler_failed', `The workflow ${workflowId} ended without a result: ${reason}.`, {
      cause: error,
    });
  });
  return (await within(settled, waiting)).id;
}

async function within<T>(result: Promise<T>, { untilMs, timeoutSeconds, signal }: Waiting): Promise<T> {
  const late = AbortSignal.timeout(Math.max(untilMs - Date.now(), 0));
  const either = AbortSignal.any([late, signal]);
  const stopped = Promise.withResolvers<never>();
  const stop = () => {
    const reason = signal.aborted ? 'Interrupted.' : `After ${timeoutSeconds} s the workflow had not ended.`;
    stopped.reject(new AfterwordError('wait_timed_out', reason));
  };
  either.addEventListener('abort', stop);
  if (either.aborted) stop();
  try {
    return await Promise.race([result, stopped.promise]);
  } finally {
    either.removeEventListener('abort', stop);
  }
}
