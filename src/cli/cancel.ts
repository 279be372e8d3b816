import type { Command } from 'commander';
import type { Execution } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { isFinal } from '../domain/status.ts';
import type { ApiClient } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { executionTable } from './execution-view.ts';
import { seconds } from './option-parsers.ts';
import { plural } from './text.ts';
import { waitForExecution, waitForExecutions, type Waiting } from './wait.ts';

interface CancelOptions {
  event?: string;
  /** Seconds. */
  timeout: number;
}

const defaultTimeoutSeconds = 30;

export function addCancelCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('cancel')
    .description('end an execution that waits or runs, or all of an event that have not ended')
    .argument('[id]', 'the execution')
    .option('--event <id>', 'all executions of this conversation event')
    .option('--timeout <seconds>', 'how long to wait for the end', seconds, defaultTimeoutSeconds)
    .addHelpText(
      'after',
      '\nCalls in flight are finished and recorded, no new ones are made. What was done stays done.',
    )
    .action(async (id: string | undefined, options: CancelOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const { event, timeout } = options;
      const waiting = { untilMs: Date.now() + timeout * 1_000, output, signal: environment.signal };
      const executions = await cancel(api(), id, event, waiting);
      output.result(id === undefined ? { items: executions } : executions[0], () => executionTable(output, executions));
      requireEnd(executions, timeout);
    });
}

async function cancel(
  api: ApiClient,
  id: string | undefined,
  event: string | undefined,
  waiting: Waiting,
): Promise<Execution[]> {
  if ((id === undefined) === (event === undefined)) {
    throw new AfterwordError('invalid_usage', 'Name an execution, or a conversation event by --event: one of the two.');
  }
  if (event !== undefined) {
    await api.cancelEvent(event);
    return await waitForExecutions(api, event, waiting);
  }
  const { id: asked } = await api.cancelExecution(id ?? '');
  return [await waitForExecution(api, await api.execution(asked), waiting)];
}

function requireEnd(executions: readonly Execution[], timeout: number): void {
  const open = executions.filter(({ status }) => !isFinal(status));
  if (open.length === 0) return;
  throw new AfterwordError(
    'wait_timed_out',
    `After ${timeout} s ${plural(open.length, 'execution')} had not ended. The cancellation is on record: a worker ends it.`,
  );
}
