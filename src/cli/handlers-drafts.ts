import type { Command } from 'commander';
import { Option } from 'commander';
import { eventTypeNames, type EventType } from '../domain/event-types.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ApiClient } from './api-client.ts';
import { readCodeFile } from './code-file.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { ApiProblem } from './http.ts';
import { positiveWhole } from './option-parsers.ts';
import { printable } from './text.ts';

/** `handlers draft`, `deploy`, `diff` and `rm`. */
export function addDraftCommands(handlers: Command, environment: CliEnvironment): void {
  addDraft(handlers, environment);
  addDeploy(handlers, environment);
  addDiff(handlers, environment);
  addRemove(handlers, environment);
}

function addDraft(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('draft')
    .description('save code that does not run yet; its settings are the draft’s or the handler’s')
    .argument('<name>')
    .argument('<file>', '.py or .ts')
    .addOption(new Option('--event <type>', 'of a new handler').choices(eventTypeNames))
    .action(async (name: string, file: string, options: { event?: EventType }, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const { text: code, language } = await readCodeFile(environment.cwd, file);
      const client = api();
      const settings = await settingsOf(client, name);
      const event = options.event === undefined ? {} : { eventType: options.event };
      const draft = await client.saveDraft(name, { code, language, ...event, ...settings });
      for (const { severity, line, message } of draft.check.findings) {
        output.note(`${severity}: ${printable(`${file}${line === null ? '' : `, line ${String(line)}`}: ${message}`)}`);
      }
      output.result(
        draft,
        () => `The draft of ${draft.name} is saved. \`afterword handlers deploy ${draft.name}\` runs it.`,
      );
    });
}

/** What a draft keeps although only its code is given: of the draft before, else of the handler. */
async function settingsOf(client: ApiClient, name: string) {
  for (const ask of [() => client.draft(name), () => client.handler(name)]) {
    try {
      return { settings: (await ask()).settings };
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status !== 404) throw error;
    }
  }
  return {};
}

function addDeploy(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('deploy')
    .description('make the draft the version that new events run')
    .argument('<name>')
    .option('--note <text>', 'kept with the version, as for a commit')
    .option('--expect <version>', 'refuse where another version is the current one by now', positiveWhole)
    .option('--no-validate', 'deploy although the check says that it cannot work')
    .action(async (name: string, options: DeployOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const { note, expect: expectedVersion, validate } = options;
      const input = { ...(note === undefined ? {} : { note }), ...(expectedVersion ? { expectedVersion } : {}) };
      const handler = await api().deployDraft(name, input, { validate });
      output.result(handler, () => `${handler.name}: new events run version ${String(handler.version)}.`);
    });
}

interface DeployOptions {
  note?: string;
  expect?: number;
  validate: boolean;
}

function addDiff(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('diff')
    .description('what differs between two versions, or the current one and the draft')
    .argument('<name>')
    .option('--from <version>', 'left out: the current version', positiveWhole)
    .option('--to <version>', 'a version, or draft', 'draft')
    .action(async (name: string, { from, to }: { from?: number; to: string }, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      if (to !== 'draft' && !/^[1-9]\d{0,8}$/.test(to)) {
        throw new AfterwordError('invalid_usage', `--to should be the number of a version, or draft, not ${to}.`);
      }
      const diff = await api().handlerDiff(name, { from, to });
      output.result(diff, () => {
        const parts = [diff.code, diff.settings].filter((part) => part !== '');
        return parts.length === 0 ? 'They are the same.' : printable(parts.join('\n'));
      });
    });
}

function addRemove(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('rm')
    .description('delete a handler: it runs no more, its executions stay')
    .argument('<name>')
    .action(async (name: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const handler = await api().deleteHandler(name);
      output.result(handler, () => `${handler.name} is deleted. Its executions: --handler ${handler.id}`);
    });
}
