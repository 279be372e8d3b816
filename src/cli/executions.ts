import { Option } from 'commander';
import type { Command } from 'commander';
import { executionKinds, executionStatuses } from '../domain/status.ts';
import type { ExecutionQuery } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { executionTable, executionText } from './execution-view.ts';
import { pageSize } from './option-parsers.ts';

export function addExecutionsCommands(program: Command, environment: CliEnvironment): void {
  program
    .command('executions')
    .description('the newest runs of handlers')
    .option('--failed', 'only those that failed or timed out')
    .addOption(new Option('--status <status>', 'only those with this status').choices(executionStatuses))
    .addOption(
      new Option('--kind <kind>', 'only those that this started; left out, all but tests').choices(executionKinds),
    )
    .option('--handler <name>', 'only those of this handler')
    .option('--event <id>', 'only those of this conversation event')
    .option('--conversation <id>', 'only those of this conversation, by its id or public id')
    .option('--limit <n>', 'how many, at most 200', pageSize, 20)
    .option('--before <cursor>', 'go on where a page ended')
    .action(async (options: ExecutionQuery, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const page = await api().executions(options);
      output.result({ items: page.items, next: page.next ?? null }, () => {
        if (page.items.length === 0) return 'No executions.';
        const more = page.next == null ? '' : `\n\nOlder ones: --before ${page.next}`;
        return `${executionTable(output, page.items)}${output.style('dim', more)}`;
      });
    });

  program
    .command('execution')
    .description('everything about one execution: status, error, attempts, calls, logs, result')
    .argument('<id>')
    .action(async (id: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const execution = await api().execution(id);
      output.result(execution, () => executionText(output, execution));
    });
}
