import type { Command } from 'commander';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { readSecretValue } from './secret-value.ts';
import { formatTime } from './text.ts';

export function addSecretsCommands(program: Command, environment: CliEnvironment): void {
  const secrets = program.command('secrets').description('what handlers are given and nobody reads: tokens, passwords');
  addSet(secrets, environment);
  addList(secrets, environment);
  addRemove(secrets, environment);
}

function addSet(secrets: Command, environment: CliEnvironment): void {
  secrets
    .command('set')
    .description('set a secret, or give it a new value')
    .argument('<name>', 'capital letters, digits and "_", such as CRM_TOKEN')
    .option('--from-file <file>', 'its value is what the file holds')
    .addHelpText(
      'after',
      `
The value is never an argument: those are visible to every user of the machine. It is asked for on a terminal and not
shown, else read from standard input. One line end at its end is left out. It needs at least 8 characters, at most 8 KB.

Examples:
  afterword secrets set CRM_TOKEN                       asks for it
  pass show crm/token | afterword secrets set CRM_TOKEN
  afterword secrets set SIGNING_KEY --from-file key.pem

A handler gets it when its settings name it: \`secrets: [CRM_TOKEN]\` in handlers.yaml.`,
    )
    .action(async (name: string, { fromFile }: { fromFile?: string }, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const secret = await client.setSecret(name, await readSecretValue(environment, name, fromFile));
      output.result(secret, () => `${secret.name} is set.`);
    });
}

function addList(secrets: Command, environment: CliEnvironment): void {
  secrets
    .command('list')
    .description('the names of the secrets; their values are shown to nobody')
    .action(async (_options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const items = await api().secrets();
      output.result({ items }, () =>
        items.length === 0
          ? 'No secrets yet. `afterword secrets set NAME` sets one.'
          : output.table(
              ['NAME', 'CREATED', 'CHANGED'],
              items.map(({ name, createdAt, updatedAt }) => [name, formatTime(createdAt), formatTime(updatedAt)]),
            ),
      );
    });
}

function addRemove(secrets: Command, environment: CliEnvironment): void {
  secrets
    .command('rm')
    .description('delete a secret; handlers whose settings name it fail from then on')
    .argument('<name>')
    .action(async (name: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const secret = await api().deleteSecret(name);
      output.result(secret, () => `${secret.name} is deleted.`);
    });
}
