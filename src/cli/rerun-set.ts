import type { Command } from 'commander';
import { limits } from '../domain/limits.ts';
import type { StartedRerunSet } from '../contract/rerun.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { type ExecutionFilterOptions, filterOf, withExecutionFilters } from './execution-options.ts';
import { positiveWhole } from './option-parsers.ts';
import { formatTime } from './text.ts';

interface RerunSetOptions extends ExecutionFilterOptions {
  newest?: true;
  fresh?: true;
  dryRun?: true;
  /** A minute. */
  rate: number;
}

/** `executions rerun`. */
export function addRerunSetCommand(executions: Command, environment: CliEnvironment): void {
  withExecutionFilters(executions.command('rerun'))
    .description('run all that the filters match again, at most 1,000')
    .option('--newest', 'with the handler’s current version instead of the one that ran')
    .option('--fresh', 'do everything again: every effect is repeated')
    .option('--dry-run', 'only say how many')
    .option('--rate <n>', 'how many start in a minute', positiveWhole, limits.defaultRerunsPerMinute)
    .addHelpText(
      'after',
      `
Examples:
  afterword executions rerun --handler crm-sync --failed --dry-run
                                            how many would it be?
  afterword executions rerun --handler crm-sync --failed --newest
                                            mend the handler first, then let it do what is missing`,
    )
    .action(async (_options: object, command: Command) => {
      // The list has the same filters, and Commander gives them to the command that it comes to first.
      const options = command.optsWithGlobals<RerunSetOptions>();
      const { api, output } = openInvocation(environment, command);
      const set = await api().rerunSet({
        filter: filterOf(options),
        version: options.newest === true ? 'newest' : 'same',
        fresh: options.fresh === true,
        dryRun: options.dryRun === true,
        ratePerMinute: options.rate,
      });
      output.result(set, () => textOf(set));
    });
}

function textOf({ dryRun, matched, taken, notTaken, items }: StartedRerunSet): string {
  const last = items.at(-1);
  return [
    dryRun
      ? `${String(matched)} match; ${String(taken)} would be run again.`
      : `${String(matched)} match; ${String(taken)} are run again${last === undefined ? '' : `, the last from ${formatTime(last.startsAt)}`}.`,
    ...notTaken.map(
      ({ reason, count, examples }) => `  left alone, ${reason}: ${String(count)} (${examples.join(', ')})`,
    ),
  ].join('\n');
}
