import { Command, CommanderError } from 'commander';
import { addCancelCommand } from './cancel.ts';
import { addDoctorCommand } from './doctor.ts';
import { addEgressCommands } from './egress.ts';
import { addEmitCommand } from './emit.ts';
import type { CliEnvironment } from './environment.ts';
import { addExecutionsCommands } from './executions.ts';
import { addHandlersCommands } from './handlers.ts';
import { addKeysCommands } from './keys.ts';
import { addLogsCommand } from './logs.ts';
import { addMigrateCommand } from './migrate.ts';
import { addRerunCommand } from './rerun.ts';
import { addSecretsCommands } from './secrets.ts';
import { addSinksCommands } from './sinks.ts';
import { addTestCommand } from './test.ts';
import { addTypesCommand } from './types.ts';
import { reportJson, reportOf, reportText } from './report-error.ts';

/** 0 all went well; 1 the operation failed; 2 the command line or a file was wrong, and nothing was sent. */
export type ExitCode = 0 | 1 | 2 | typeof interruptedExitCode;
/** 128 + SIGINT, as shells have it. */
const interruptedExitCode = 130;

/** Runs one command line, `args` without the program's name. Never rejects. */
export async function runCommandLine(args: readonly string[], environment: CliEnvironment): Promise<ExitCode> {
  const outcome: { exitCode: ExitCode } = { exitCode: 0 };
  try {
    await buildProgram(environment, outcome).parseAsync(args, { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    if (environment.signal.aborted) return interruptedExitCode;
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    // Commander has printed the help where a command was left out.
    if (error instanceof CommanderError && error.code === 'commander.help') return 2;
    const report = reportOf(error);
    environment.stderr.write(args.includes('--json') ? reportJson(report) : reportText(report));
    return report.exitCode;
  }
}

function buildProgram(environment: CliEnvironment, outcome: { exitCode: ExitCode }): Command {
  const program = new Command('afterword')
    .description(
      'Runs your code after the key moments of conversations: publish events, push handlers, read their logs.',
    )
    .version(environment.version, '-V, --version')
    .option('--json', 'machine-readable output on stdout, errors as JSON on stderr')
    .option('--url <url>', 'the server; else AFTERWORD_URL, else what `npm start` wrote to AFTERWORD_HOME/runtime.json')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void environment.stdout.write(text),
      writeErr: (text) => void environment.stderr.write(text),
      // Errors are printed in one place, runCommandLine.
      outputError: () => undefined,
    })
    .addHelpText(
      'after',
      `
The API key is AFTERWORD_API_KEY, else the file AFTERWORD_HOME/admin-key (AFTERWORD_HOME is .afterword by default).

Examples:
  afterword doctor                          is everything there and running?
  afterword handlers push examples/handlers send a folder of handlers
  afterword test crm.py --conversation ID --event conversation_closed
                                            try a handler out; nothing is written
  afterword emit closed.json --wait         publish an event and see what the handlers did
  afterword executions --failed             what went wrong lately
  afterword execution ID                    everything about one run: error, calls, prints
  afterword rerun ID --newest               do what is missing, with the mended handler
  afterword logs -f                         watch the handlers print

Exit codes: 0 done; 1 it failed; 2 the command line or a file was wrong, nothing was sent.`,
    );
  addEmitCommand(program, environment);
  addHandlersCommands(program, environment);
  addSecretsCommands(program, environment);
  addTestCommand(program, environment);
  addExecutionsCommands(program, environment);
  addTypesCommand(program, environment);
  addRerunCommand(program, environment);
  addCancelCommand(program, environment);
  addLogsCommand(program, environment);
  addEgressCommands(program, environment);
  addSinksCommands(program, environment);
  addKeysCommands(program, environment);
  addDoctorCommand(program, environment, () => {
    outcome.exitCode = 1;
  });
  addMigrateCommand(program, environment);
  return program;
}
