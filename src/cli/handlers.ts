import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { ApiClient } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { errorsIn, warningsIn, type FileFindings } from './code-findings.ts';
import { faultsIn, readHandlersFolder } from './handlers-folder.ts';
import type { FolderPush } from './handlers-folder.ts';
import { pullIntoFolder } from './handlers-pull.ts';
import type { ServerHandler } from './handlers-pull.ts';
import { addDraftCommands } from './handlers-drafts.ts';
import { addValidate } from './handlers-validate.ts';
import { positiveWhole } from './option-parsers.ts';
import type { Output } from './output.ts';
import { formatTime, oneLine } from './text.ts';

const folderHelp = `
The folder has a handlers.yaml:
  handlers:
    - name: crm-sync
      event: conversation_closed
      file: crm_sync.py    # or crm_sync.ts
      enabled: true        # optional; left out, a push leaves it as it is
      attempts: 3          # optional, 1 to 10
      delaySeconds: 600    # optional, up to 7 days: run ten minutes after the event
      cancelOn: [conversation_reopened]  # optional: unless one of these came before it began
      secrets: [CRM_TOKEN] # optional: those that it is given
      tool: OrderStatus    # optional, of a file with several tools; so are globals and constants of a tool
      egress: { allow: [api.example.com] }  # optional: where its requests may go, of what the organisation allows
      limits: { seconds: 10, requests: 5 }  # optional: less than every handler may`;

export function addHandlersCommands(program: Command, environment: CliEnvironment): void {
  const handlers = program.command('handlers').description('the handlers: push and pull a folder, switch on and off');
  addPush(handlers, environment);
  addValidate(handlers, environment);
  addPull(handlers, environment);
  addList(handlers, environment);
  addSwitch(handlers, environment, true);
  addSwitch(handlers, environment, false);
  addVersions(handlers, environment);
  addRollback(handlers, environment);
  addDraftCommands(handlers, environment);
}

function addPush(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('push')
    .description('send a folder’s handlers; what changed becomes a new version')
    .argument('[dir]', 'folder with a handlers.yaml', '.')
    .option('--note <text>', 'kept with the new versions, as for a commit')
    .option('--no-validate', 'send code although the check says that it cannot work')
    .addHelpText('after', folderHelp)
    .action(async (dir: string, options: { note?: string; validate: boolean }, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const folder = resolve(environment.cwd, dir);
      const pushes = await readHandlersFolder(folder, options.note);
      const client = api();
      if (options.validate) await refuseErrors(client, folder, pushes);
      const pushed = [];
      for (const { file, push } of pushes) {
        const handler = await client.pushHandler(push, options);
        output.line(
          `${handler.name}: ${handler.created ? 'created' : handler.changed ? `new version ${handler.version}` : 'unchanged'}${handler.enabled ? '' : ' (off)'}`,
        );
        for (const warning of warningsIn({ file, findings: handler.check.findings })) output.note(warning);
        if (options.validate && handler.check.reason !== null) {
          output.note(`${file} was not checked: ${handler.check.reason}.`);
        }
        pushed.push(handler);
      }
      output.result({ items: pushed }, () => (pushed.length === 0 ? 'handlers.yaml names no handler.' : ''));
    });
}

/** The whole folder first: nothing is pushed while one of its handlers cannot work. */
async function refuseErrors(client: ApiClient, folder: string, pushes: readonly FolderPush[]): Promise<void> {
  const checked: FileFindings[] = [];
  for (const { file, push } of pushes) {
    checked.push({ file, findings: (await client.checkCode(toCheck(push))).findings });
  }
  const errors = errorsIn(checked);
  if (errors.length > 0) throw faultsIn(folder, errors);
}

function toCheck({ code, language, settings: { tool } }: FolderPush['push']) {
  return { code, language, ...(tool === undefined ? {} : { tool }) };
}

function addPull(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('pull')
    .description('write the server’s handlers into a folder')
    .argument('[dir]', 'the folder; made where it is not there', '.')
    .option('--force', 'overwrite local changes')
    .addHelpText('after', '\nHandlers that only the folder has stay. Pushing the folder back changes nothing.')
    .action(async (dir: string, options: { force?: true }, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const remote: ServerHandler[] = [];
      for (const { name } of await client.handlers()) remote.push(await fetchHandler(client, name));
      const pulled = await pullIntoFolder(resolve(environment.cwd, dir), remote, { force: options.force === true });
      output.result({ items: pulled }, () =>
        pulled.length === 0
          ? 'The server has no handlers.'
          : pulled.map(({ name, file, state }) => `${name}: ${state} (${file})`).join('\n'),
      );
    });
}

async function fetchHandler(client: ApiClient, name: string): Promise<ServerHandler> {
  const [handler, versions] = await Promise.all([client.handler(name), client.handlerVersions(name)]);
  return { handler, versions };
}

function addList(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('list')
    .description('the handlers of the organisation')
    .action(async (_options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const items = await api().handlers();
      output.result({ items }, () =>
        items.length === 0
          ? 'No handlers yet. `afterword handlers push DIR` sends a folder’s.'
          : output.table(
              ['NAME', 'EVENT', 'LANGUAGE', 'ON', 'VERSION', 'CHANGED'],
              items.map((handler) => [
                oneLine(handler.name),
                oneLine(handler.eventType),
                handler.language,
                handler.enabled ? output.style('green', 'on') : output.style('dim', 'off'),
                String(handler.version),
                formatTime(handler.updatedAt),
              ]),
            ),
      );
    });
}

function addSwitch(handlers: Command, environment: CliEnvironment, enabled: boolean): void {
  handlers
    .command(enabled ? 'enable' : 'disable')
    .description(enabled ? 'switch a handler on: it runs for events from now on' : 'switch a handler off')
    .argument('<name>')
    .action(async (name: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const handler = await api().setHandlerEnabled(name, enabled);
      output.result(handler, () => `${handler.name} is ${handler.enabled ? 'on' : 'off'}.`);
    });
}

function addVersions(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('versions')
    .description('the versions of a handler, newest first')
    .argument('<name>')
    .action(async (name: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const items = await api().handlerVersions(name);
      output.result({ items }, () => versionTable(output, items));
    });
}

function versionTable(output: Output, items: Awaited<ReturnType<ApiClient['handlerVersions']>>): string {
  return output.table(
    ['VERSION', 'CURRENT', 'LANGUAGE', 'MADE', 'ATTEMPTS', 'LINES', 'NOTE'],
    items.map(({ version, current, language, createdAt, settings, code, note }) => [
      String(version),
      current ? output.style('green', 'current') : '',
      language,
      formatTime(createdAt),
      String(settings.attempts),
      String(code.trimEnd().split('\n').length),
      oneLine(note ?? '', 80),
    ]),
  );
}

function addRollback(handlers: Command, environment: CliEnvironment): void {
  handlers
    .command('rollback')
    .description('let new events run an older version')
    .argument('<name>')
    .argument('<version>', 'its number, as `afterword handlers versions NAME` prints it', positiveWhole)
    .action(async (name: string, version: number, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const handler = await api().rollbackHandler(name, version);
      output.result(handler, () => `${handler.name}: new events run version ${handler.version}.`);
    });
}
