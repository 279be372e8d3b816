import type { Command } from 'commander';
import type { ExecutionDetail } from '../contract/execution.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment, Invocation } from './environment.ts';
import { followLogs } from './logs-follow.ts';
import { pageSize, positiveWhole } from './option-parsers.ts';
import { statusText } from './output.ts';
import type { Output } from './output.ts';
import { formatTime, indented, printable } from './text.ts';
import { fetchDetails } from './wait.ts';

export interface LogsOptions {
  follow?: true;
  attempt?: number;
  handler?: string;
  limit: number;
}

export function addLogsCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('logs')
    .description('what handlers printed')
    .argument('[id]', 'an execution; without it the newest ones')
    .option('-f, --follow', 'go on as more is printed: until the execution ends, or without an id until Ctrl-C')
    .option('--attempt <n>', 'of this attempt instead of the newest (with an id)', positiveWhole)
    .option('--handler <name>', 'only of this handler (without an id)')
    .option('--limit <n>', 'how many executions, at most 200 (without an id)', pageSize, 10)
    .addHelpText(
      'after',
      `
Examples:
  afterword logs                        what the newest executions printed
  afterword logs -f --handler crm-sync  watch one handler
  afterword logs ID                     one execution; afterword execution ID shows everything`,
    )
    .action(async (id: string | undefined, options: LogsOptions, command: Command) => {
      const invocation = openInvocation(environment, command);
      if (options.follow === true) await followLogs(invocation, id, options);
      else if (id === undefined) await showNewest(invocation, options);
      else await showOne(invocation, id, options);
    });
}

/** Just the log, stdout on stdout and stderr on stderr, for pipes. */
async function showOne({ api, output, environment }: Invocation, id: string, options: LogsOptions): Promise<void> {
  const logs = await api().logs(id, options.attempt);
  if (!output.json && logs.stderr !== '') environment.stderr.write(withLineEnd(printable(logs.stderr)));
  output.result({ executionId: id, ...logs }, () => printable(logs.stdout));
  if (logs.stdout === '' && logs.stderr === '') output.note(`Nothing was printed (attempt ${logs.attempt}).`);
}

async function showNewest({ api, output }: Invocation, options: LogsOptions): Promise<void> {
  const client = api();
  const { items } = await client.executions({ limit: options.limit, handler: options.handler });
  const executions = (await fetchDetails(client, items)).reverse();
  output.result({ items: executions }, () =>
    executions.length === 0 ? 'No executions.' : executions.map((execution) => logText(output, execution)).join('\n\n'),
  );
}

function logText(output: Output, execution: ExecutionDetail): string {
  const { handlerName, id, queuedAt, stdout, stderr } = execution;
  const title = `${output.style('bold', handlerName)}  ${statusText(output, execution)}  ${formatTime(queuedAt)}  ${id}`;
  const streams = [
    ...(stdout === '' ? [] : [indented(printable(stdout), '  out | ')]),
    ...(stderr === '' ? [] : [indented(printable(stderr), '  err | ')]),
  ];
  return [title, ...(streams.length === 0 ? ['  (nothing was printed)'] : streams)].join('\n');
}

function withLineEnd(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
