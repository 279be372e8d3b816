import { type Command, Option } from 'commander';
import { eventTypeNames } from '../domain/event-types.ts';
import { executionKinds, type ExecutionStatus, executionStatuses, failureReasons } from '../domain/status.ts';

/** The filters of executions, as the API names them. */
export interface ExecutionFilterOptions {
  failed?: true | undefined;
  status?: ExecutionStatus[] | undefined;
  reason?: (typeof failureReasons)[number] | undefined;
  kind?: (typeof executionKinds)[number] | undefined;
  handler?: string | undefined;
  eventType?: string | undefined;
  event?: string | undefined;
  conversation?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  error?: string | undefined;
}

export function withExecutionFilters(command: Command): Command {
  return command
    .option('--failed', 'only those that failed or timed out')
    .addOption(new Option('--status <status...>', 'only those with one of these').choices(executionStatuses))
    .addOption(new Option('--reason <reason>', 'only those that failed so').choices(failureReasons))
    .addOption(
      new Option('--kind <kind>', 'only those that this started; left out, all but tests').choices(executionKinds),
    )
    .option('--handler <name>', 'only those of this handler')
    .addOption(
      new Option('--event-type <type>', 'only those of this type').choices([...eventTypeNames, 'tool_invocation']),
    )
    .option('--event <id>', 'only those of this conversation event')
    .option('--conversation <id>', 'only those of this conversation, by its id or public id')
    .option('--from <time>', 'queued then or later, such as 2026-01-31T12:00:00Z')
    .option('--to <time>', 'queued before then')
    .option('--error <text>', 'with this in type or message of the error');
}

export function filterOf(options: ExecutionFilterOptions): ExecutionFilterOptions {
  const { failed, status, reason, kind, handler, eventType, event, conversation, from, to, error } = options;
  const all = { failed, status, reason, kind, handler, eventType, event, conversation, from, to, error };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
