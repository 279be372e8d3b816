import type { Command } from 'commander';
import type { EgressRules } from '../contract/egress.ts';
import { AfterwordError } from '../domain/errors.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import type { Output } from './output.ts';

interface SetOptions {
  allow?: string;
  deny?: string;
}

/** In place of patterns. */
const any = 'any';
const none = 'none';

const setHelp = `
A pattern is a host (api.example.com), all hosts below one (*.example.com), an address or a network (203.0.113.0/24),
each with a port where only that is meant (api.example.com:8443). What is denied is denied also where it is allowed.
  --allow any     every public host: no allow-list
  --allow none    no host at all
  --deny none     no deny-list
A list that is not named stays as it is.

Examples:
  afterword egress set --allow 'api.example.com,*.crm.example'
  afterword egress set --deny '*.example.org,203.0.113.0/24'`;

export function addEgressCommands(program: Command, environment: CliEnvironment): void {
  const egress = program.command('egress').description('where requests of the organisation’s handlers may go');
  egress
    .command('show')
    .description('the lists of the organisation')
    .action(async (_options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      showRules(output, await api().egress());
    });
  egress
    .command('set')
    .description('set the allow-list or the deny-list of the organisation')
    .option('--allow <patterns>', 'the only hosts allowed, with commas between them')
    .option('--deny <patterns>', 'hosts denied, with commas between them')
    .addHelpText('after', setHelp)
    .action(async ({ allow, deny }: SetOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      if (allow === undefined && deny === undefined) {
        throw new AfterwordError('invalid_usage', 'Name a list: --allow PATTERNS, --deny PATTERNS, or both.');
      }
      const client = api();
      const rules = await client.egress();
      const changed = {
        allow: allow === undefined ? rules.allow : allowList(allow),
        deny: deny === undefined ? rules.deny : denyList(deny),
      };
      showRules(output, await client.setEgress(changed));
    });
}

function allowList(text: string): string[] | undefined {
  if (text === any) return undefined;
  return text === none ? [] : patternsIn('--allow', text);
}

function denyList(text: string): string[] | undefined {
  if (text === any) throw new AfterwordError('invalid_usage', '--deny any: to deny every host, say --allow none.');
  return text === none ? undefined : patternsIn('--deny', text);
}

/** A variable of a script that happens to be empty is no list. */
function patternsIn(option: string, text: string): string[] {
  const patterns = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (patterns.length > 0) return patterns;
  throw new AfterwordError('invalid_usage', `${option} names no pattern; \`none\` is a word for an empty list.`);
}

function showRules(output: Output, rules: EgressRules): void {
  const { allow, deny = [] } = rules;
  output.result(rules, () => {
    const allowed = allow === undefined ? 'every public host' : allow.length === 0 ? 'nothing' : allow.join(', ');
    return `allowed  ${allowed}\ndenied   ${deny.length === 0 ? 'nothing' : deny.join(', ')}`;
  });
}
