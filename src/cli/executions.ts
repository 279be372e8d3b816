import type { Command } from 'commander';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { type ExecutionFilterOptions, filterOf, withExecutionFilters } from './execution-options.ts';
import { executionTable, executionText } from './execution-view.ts';
import { pageSize } from './option-parsers.ts';
import { addRerunSetCommand } from './rerun-set.ts';

interface ListOptions extends ExecutionFilterOptions {
  limit: number;
  before?: string;
  total?: true;
}

export function addExecutionsCommands(program: Command, environment: CliEnvironment): void {
  const executions = withExecutionFilters(program.command('executions'))
    .description('the newest runs of handlers; `rerun` runs what the filters match again')
    .option('--limit <n>', 'how many, at most 200', pageSize, 20)
    .option('--before <cursor>', 'go on where a page ended')
    .option('--total', 'say how many there are, too')
    .action(async (options: ListOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const { limit, before, total } = options;
      const page = await api().executions({ ...filterOf(options), limit, before, total });
      output.result(page, () => {
        if (page.items.length === 0) return 'No executions.';
        const all = page.total === undefined ? '' : `\n\n${String(page.total)} in all.`;
        const more = `${all}${page.next == null ? '' : `\n\nOlder ones: --before ${page.next}`}`;
        return `${executionTable(output, page.items)}${output.style('dim', more)}`;
      });
    });
  addRerunSetCommand(executions, environment);

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
