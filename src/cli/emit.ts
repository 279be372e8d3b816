import type { Command } from 'commander';
import type { ApiClient } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment, Invocation } from './environment.ts';
import { readEventFile } from './event-file.ts';
import type { EventFile, FileEvent } from './event-file.ts';
import { ApiProblem } from './http.ts';
import { seconds } from './option-parsers.ts';
import { emitToTemporal } from './emit-temporal.ts';
import { followEvent, reportEmitted } from './emitted.ts';
import type { Emitted, EmitOptions } from './emitted.ts';

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
