import type { ConversationWithMessages } from '../contract/conversation.ts';
import type { ExecutionDetail } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { isFinal } from '../domain/status.ts';
import type { ApiClient } from './api-client.ts';
import type { Invocation } from './environment.ts';
import { executionTable, failureText } from './execution-view.ts';
import { plural } from './text.ts';
import { fetchDetails, waitForExecutions } from './wait.ts';

export interface EmitOptions {
  wait?: true;
  /** Seconds. */
  timeout: number;
  temporal?: true;
}

/** What is known of one event when the command ends; --json prints it. */
export interface Emitted {
  readonly event: { readonly id: string | null; readonly workflowId: string; readonly duplicate: boolean };
  readonly executions?: ExecutionDetail[];
  readonly conversation?: Pick<ConversationWithMessages, 'id' | 'publicId' | 'tags' | 'metadata' | 'timeline'>;
}

/** Waits for the handlers of a published event and reads all they did. */
export async function followEvent(
  { output, environment }: Invocation,
  api: ApiClient,
  published: { id: string; workflowId: string; duplicate: boolean },
  untilMs: number,
): Promise<Emitted> {
  const executions = await waitForExecutions(api, published.id, { untilMs, output, signal: environment.signal });
  const event = await api.event(published.id);
  const { id, publicId, tags, metadata, timeline } = await api.conversation(event.conversationId);
  return {
    event: { ...event, ...published },
    executions: await fetchDetails(api, executions),
    conversation: { id, publicId, tags, metadata, timeline },
  };
}

/** Prints what the handlers did; throws where not all of them succeeded. */
export function reportEmitted(
  { output }: Invocation,
  emitted: readonly Emitted[],
  isList: boolean,
  options: EmitOptions,
): void {
  output.result(isList ? { items: emitted } : emitted[0], () =>
    emitted.map((one) => emittedText(output, one)).join('\n\n'),
  );
  const executions = emitted.flatMap((one) => one.executions ?? []);
  const unfinished = executions.filter(({ status }) => !isFinal(status));
  if (unfinished.length > 0) {
    const names = unfinished.map(({ handlerName, status }) => `${handlerName} (${status})`).join(', ');
    throw new AfterwordError(
      'wait_timed_out',
      `After ${options.timeout} s ${plural(unfinished.length, 'handler')} had not ended: ${names}.`,
    );
  }
  const others = executions.filter(({ status }) => status !== 'succeeded');
  if (others.length > 0) {
    const names = others.map(({ handlerName, status, reason }) => `${handlerName} (${reason ?? status})`).join(', ');
    throw new AfterwordError(
      'handler_failed',
      `${others.length} of ${plural(executions.length, 'handler')} did not succeed: ${names}.`,
    );
  }
}

function emittedText(output: Invocation['output'], { executions = [] }: Emitted): string {
  if (executions.length === 0) {
    return 'No handler ran: none was on for this type of event when it arrived. See `afterword handlers list`.';
  }
  const failures = executions.filter(({ status }) => isFinal(status) && status !== 'succeeded');
  return [
    executionTable(output, executions),
    ...failures.map((execution) => failureText(output, execution)),
    output.style('dim', 'All of one execution, prints included: afterword execution ID'),
  ].join('\n\n');
}
