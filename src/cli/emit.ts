import type { Command } from 'commander';
import { AfterwordError } from '../domain/errors.ts';
import { isFinal } from '../domain/status.ts';
import type { ConversationWithMessages } from '../contract/conversation.ts';
import type { ExecutionDetail } from '../contract/execution.ts';
import type { ApiClient } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment, Invocation } from './environment.ts';
import { readEventFile } from './event-file.ts';
import type { EventFile, FileEvent } from './event-file.ts';
import { executionTable, failureText } from './execution-view.ts';
import { ApiProblem } from './http.ts';
import { seconds } from './option-parsers.ts';
import { emitToTemporal } from './emit-temporal.ts';
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

const defaultTimeoutSeconds = 300;

export function addEmitCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('emit')
    .description('publish the conversation event in a JSON file')
    .argument('<file>', 'JSON file with one event or a list of events; - reads standard input')
    .option('--wait', 'wait until every handler has ended; exit code 1 when one did not succeed')
    .option('--timeout <seconds>', 'how long --wait waits', seconds, defaultTimeoutSeconds)
    .option('--temporal', 'start the workflow straight in Temporal, without the HTTP API')
    .addHelpText(
      'after',
      `
Examples:
  afterword emit closed.json                     publish and go on
  afterword emit closed.json --wait              see what the handlers did
  afterword emit closed.json --wait --json       the same for programs: results, logs, calls
  make-event | afterword emit -                  from standard input`,
    )
    .action(async (file: string, options: EmitOptions, command: Command) => {
      const invocation = openInvocation(environment, command);
      const events = await readEventFile(file, environment.cwd, environment.stdin);
      await (options.temporal === true
        ? emitToTemporal(invocation, events, options)
        : emitByHttp(invocation, events, options));
    });
}

async function emitByHttp(invocation: Invocation, file: EventFile, options: EmitOptions): Promise<void> {
  const api = invocation.api();
  const published = [];
  for (const [index, event] of file.events.entries()) {
    const which = file.isList ? `Event ${index + 1} of ${file.events.length}` : 'The event';
    published.push(await publish(invocation, api, event, which));
  }
  if (options.wait !== true) {
    const emitted = published.map((event) => ({ event }));
    invocation.output.result(file.isList ? { items: emitted } : emitted[0], () => '');
    return;
  }
  const untilMs = Date.now() + options.timeout * 1_000;
  const emitted: Emitted[] = [];
  for (const event of published) emitted.push(await followEvent(invocation, api, event, untilMs));
  reportEmitted(invocation, emitted, file.isList, options);
}

/** Stops at the first refusal: publishing the file again, mended, runs nothing twice. */
async function publish({ output }: Invocation, api: ApiClient, event: FileEvent, which: string) {
  const published = await api.publish(event.value).catch((error: unknown) => {
    throw error instanceof ApiProblem ? atItsPlace(error, event, which) : error;
  });
  output.line(
    published.duplicate
      ? `${published.eventId}: known already, nothing runs twice (event ${published.id})`
      : `${published.eventId}: accepted (event ${published.id})`,
  );
  return published;
}

/** The server names fields; the file knows their lines. */
function atItsPlace(problem: ApiProblem, event: FileEvent, which: string): ApiProblem {
  const { status, code, mend } = problem;
  const fields = event.place(problem.fields);
  const detail = fields.length > 0 ? `${which} is not valid:` : problem.message;
  return new ApiProblem({ status, code, mend, detail, fields });
}

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
