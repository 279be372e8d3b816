import { Option } from 'commander';
import type { Command } from 'commander';
import { eventTypeNames } from '../domain/event-types.ts';
import type { EventType } from '../domain/event-types.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ExecutionDetail } from '../contract/execution.ts';
import type { ApiClient } from './api-client.ts';
import { readCodeFile, type Code } from './code-file.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment, Invocation } from './environment.ts';
import { executionText } from './execution-view.ts';
import { seconds } from './option-parsers.ts';
import { requireSuccess, waitForExecution } from './wait.ts';

interface TestOptions {
  conversation: string;
  event?: EventType;
  handler?: string;
  /** Seconds. */
  timeout: number;
}

const defaultTimeoutSeconds = 120;
/** Below the time that one request may take; what lasts longer is asked for again and again. */
const firstWaitSeconds = 20;

export function addTestCommand(program: Command, environment: CliEnvironment): void {
  program
    .command('test')
    .description('run a handler once against a stored conversation; nothing is written to it')
    .argument('[file]', 'the handler’s code, saved on the server or not')
    .requiredOption('--conversation <id>', 'id or public id of the conversation')
    .addOption(
      new Option('--event <type>', 'as which event; of a --handler its own where left out').choices(eventTypeNames),
    )
    .option('--handler <name>', 'a handler on the server: its settings, and without a file its code')
    .option('--timeout <seconds>', 'how long to wait', seconds, defaultTimeoutSeconds)
    .addHelpText(
      'after',
      `
Examples:
  afterword test crm_sync.py --conversation ABC123XYZ --event conversation_closed
  afterword test --handler crm-sync --conversation ABC123XYZ
  afterword test crm_sync.py --handler crm-sync --conversation ABC123XYZ --json

The code runs for real, outgoing requests included. Tags, metadata and timeline events are answered as if written. There
is one attempt, and no other handler runs. Exit code 1 when it did not succeed.`,
    )
    .action(async (file: string | undefined, options: TestOptions, command: Command) => {
      const invocation = openInvocation(environment, command);
      const code = file === undefined ? undefined : await readCodeFile(environment.cwd, file);
      requireSubject(code, options);
      const api = invocation.api();
      const execution = await run(invocation, api, code, options);
      invocation.output.result(execution, () => executionText(invocation.output, execution));
      requireSuccess(execution, options.timeout);
    });
}

function requireSubject(code: Code | undefined, { handler, event }: TestOptions): void {
  if (handler !== undefined) return;
  if (code === undefined) throw new AfterwordError('invalid_usage', 'Name a file with code, or a --handler.');
  if (event === undefined) {
    throw new AfterwordError(
      'invalid_usage',
      `Say which event by --event: one of ${eventTypeNames.join(', ')}; or name a --handler.`,
    );
  }
}

async function run(
  { output, environment }: Invocation,
  api: ApiClient,
  code: Code | undefined,
  { conversation, event, handler, timeout }: TestOptions,
): Promise<ExecutionDetail> {
  const untilMs = Date.now() + timeout * 1_000;
  const started = await api.testRun({
    conversation,
    eventType: event,
    handler,
    code: code?.text,
    language: code?.language,
    waitSeconds: Math.min(timeout, firstWaitSeconds),
  });
  return await waitForExecution(api, started, { untilMs, output, signal: environment.signal });
}
