import type { Command } from 'commander';
import type { StartedRerun } from '../contract/rerun.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { executionText } from './execution-view.ts';
import { seconds } from './option-parsers.ts';
import { requireSuccess, waitForExecution } from './wait.ts';

interface RerunOptions {
  newest?: true;
  fresh?: true;
  wait?: true;
  /** Seconds. */
  timeout: number;
}

const defaultTimeoutSeconds = 120;

export function addRerunCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('rerun')
    .description('run an execution that has ended again; what was answered before is not done a second time')
    .argument('<id>', 'the execution')
    .option('--newest', 'with the handler’s current version instead of the one that ran')
    .option('--fresh', 'do everything again: every effect is repeated')
    .option('--wait', 'wait for its end and show it')
    .option('--timeout <seconds>', 'how long to wait', seconds, defaultTimeoutSeconds)
    .addHelpText(
      'after',
      `
Examples:
  afterword rerun ID --wait                 try once more what failed
  afterword handlers push && afterword rerun ID --newest --wait
                                            mend the handler, then let it do what is missing

It sees the conversation as it was. Exit code 1, with --wait, when it did not succeed.`,
    )
    .action(async (id: string, options: RerunOptions, command: Command) => {
      const { api: connect, output } = openInvocation(environment, command);
      if (options.fresh === true) output.note('Every call is made again: effects are repeated.');
      const api = connect();
      const started = await api.rerun(id, {
        version: options.newest === true ? 'newest' : 'same',
        fresh: options.fresh === true,
      });
      if (options.wait !== true) {
        output.result(started, () => startedText(started));
        return;
      }
      const untilMs = Date.now() + options.timeout * 1_000;
      const waiting = { untilMs, output, signal: environment.signal };
      const execution = await waitForExecution(api, await api.execution(started.executionId), waiting);
      output.result(execution, () => executionText(output, execution));
      requireSuccess(execution, options.timeout);
    });
}

function startedText({ executionId, rerunOf, handlerVersion, fresh, answersFrom }: StartedRerun): string {
  const record = fresh ? 'It does everything again.' : `It answers from the record of ${answersFrom.join(', ')}.`;
  return `Execution ${executionId} runs ${rerunOf} again, with version ${handlerVersion}. ${record}`;
}
