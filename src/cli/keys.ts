import { Option, type Command } from 'commander';
import type { ApiKey, CreatedApiKey } from '../contract/api-key.ts';
import { organizationScopes, scopes } from '../domain/scopes.ts';
import { AfterwordError } from '../domain/errors.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { createKeyAtMachine } from './keys-at-machine.ts';
import { formatTime } from './text.ts';

export function addKeysCommands(program: Command, environment: CliEnvironment): void {
  const keys = program
    .command('keys')
    .description('API keys of the organisation: what platforms and people get in with');
  addCreate(keys, environment);
  addList(keys, environment);
  addRevoke(keys, environment);
}

interface CreateOptions {
  readonly scope: string[];
  readonly expires?: string;
  readonly rateLimit?: string;
  readonly atMachine?: true;
  readonly organization?: string;
}

function addCreate(keys: Command, environment: CliEnvironment): void {
  keys
    .command('create')
    .description('make a key and print it, this once')
    .argument('<name>', 'what it is for, such as the platform that gets it')
    .addOption(
      new Option('--scope <scope...>', 'what it may do; admin holds the others, write holds read')
        .choices([...scopes])
        .makeOptionMandatory(),
    )
    .option('--expires <time>', 'when it stops working: 2027-01-31T12:00:00Z, or days from now such as 90d')
    .option('--rate-limit <number>', 'requests a second; else what the server allows each key')
    .option('--at-machine', 'write it into the database of DATABASE_URL, without asking a server')
    .option('--organization <id>', 'with --at-machine: whose key it is; else AFTERWORD_ORGANIZATION')
    .addHelpText(
      'after',
      `
The key is the only thing on stdout, so that it can be handed on:
  afterword keys create zendesk --scope publish | pass insert -e zendesk/afterword

The scope operator makes organisations. No server gives it: only --at-machine, by whoever may write to the database, does. So does it
help where all admin keys are lost.`,
    )
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const created =
        options.atMachine === true
          ? await createKeyAtMachine(environment, { ...inputOf(name, options), organization: options.organization })
          : await api().createApiKey(inputOf(name, refuseOperator(options)));
      output.note(noteOf(created));
      output.result(created, () => created.key);
    });
}

function addList(keys: Command, environment: CliEnvironment): void {
  keys
    .command('list')
    .description('the keys of the organisation; the keys themselves are shown to nobody')
    .action(async (_options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const items = await api().apiKeys();
      output.result({ items }, () =>
        output.table(
          ['ID', 'NAME', 'KEY', 'SCOPES', 'CREATED', 'LAST USED', 'STATE'],
          items.map((key) => [
            key.id,
            key.name,
            `${key.prefix}…`,
            key.scopes.join(', '),
            formatTime(key.createdAt),
            key.lastUsedAt === null ? 'never' : formatTime(key.lastUsedAt),
            stateOf(key),
          ]),
        ),
      );
    });
}

function addRevoke(keys: Command, environment: CliEnvironment): void {
  keys
    .command('revoke')
    .description('make a key stop working; the last one with the scope admin stays')
    .argument('<id>', 'as `afterword keys list` shows it')
    .action(async (id: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const key = await api().revokeApiKey(id);
      output.result(key, () => `${key.name} is revoked.`);
    });
}

function inputOf(name: string, { scope, expires, rateLimit }: CreateOptions) {
  return {
    name,
    scopes: scope,
    ...(expires === undefined ? {} : { expiresAt: timeOf(expires) }),
    ...(rateLimit === undefined ? {} : { rateLimit: Number(rateLimit) }),
  };
}

/** `90d` from now, or the time as it is: the server says what is wrong with it. */
function timeOf(text: string): string {
  const days = /^(\d{1,5})d$/u.exec(text)?.[1];
  return days === undefined ? text : new Date(Date.now() + Number(days) * 86_400_000).toISOString();
}

function refuseOperator(options: CreateOptions): CreateOptions {
  const refused = options.scope.find((scope) => !organizationScopes.some((given) => given === scope));
  if (refused === undefined) return options;
  throw new AfterwordError('invalid_usage', `The scope ${refused} is given at the machine only: add --at-machine.`);
}

function noteOf({ name, prefix, scopes: granted, expiresAt }: CreatedApiKey): string {
  const until = expiresAt === null ? '' : `, until ${formatTime(expiresAt)}`;
  return `${name} (${prefix}…): ${granted.join(', ')}${until}. The key is shown this once.`;
}

function stateOf({ revokedAt, expiresAt }: ApiKey): string {
  if (revokedAt !== null) return `revoked ${formatTime(revokedAt)}`;
  if (expiresAt === null) return 'works';
  return Date.parse(expiresAt) <= Date.now() ? `expired ${formatTime(expiresAt)}` : `until ${formatTime(expiresAt)}`;
}
