import type { Command } from 'commander';
import { validate as isId } from 'uuid';
import type { Sink } from '../contract/sink.ts';
import { AfterwordError } from '../domain/errors.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { findSink, sinkAmong } from './find-sink.ts';
import { positiveWhole } from './option-parsers.ts';
import { readSecretValue } from './secret-value.ts';
import { type SinkKind, type SinkSetOptions, settingsOf } from './sink-options.ts';
import { sinkText } from './sink-view.ts';
import { oneLine } from './text.ts';

const setHelp = `
What is not named stays as it is. What is secret is never an argument: those are visible to every user of the machine. It is asked for on
a terminal and not shown, else read from standard input, or by --from-file from a file. A webhook has one or two secrets, each on a line
of its own: both sign while its receiver changes over. What stands behind the "?" of a URL is secret too and needs --settings.

--settings names a JSON file with fields of the API, secret ones too; options go before it:
  {"url": "https://…", "secrets": ["whsec_…"]}
  {"address": "datalake.example.com:443", "tls": true, "caCertificate": null, "deadlineMs": 5000,
   "metadata": {"authorization": "Bearer …"}}

Examples:
  echo whsec_$(openssl rand -base64 32) | tee hook.secret |
    afterword sinks set warehouse --webhook https://warehouse.example.com/afterword
  afterword sinks set warehouse --secret --from-file new-and-old.txt
  afterword sinks set lake --datalake datalake.example.com:443 --metadata authorization --from-file token.txt
  afterword sinks set lake --settings lake.json`;

/** `sinks set`. */
export function addSinksSet(sinks: Command, environment: CliEnvironment): void {
  sinks
    .command('set')
    .description('set up a sink, or change one')
    .argument('<sink>', 'its name; of one that is there also its id')
    .option('--webhook <url>', 'where each event is posted')
    .option('--secret', 'of a webhook: give it secrets; a new one is always asked for them')
    .option('--datalake <address>', 'host and port of the datalake that each event goes to')
    .option('--tls', 'of a datalake: encrypted, as it is unless said otherwise')
    .option('--no-tls', 'of a datalake: plain text, which anybody on the way can read')
    .option(
      '--ca-certificate <file>',
      'of a datalake: PEM of who signed its certificate; `none`: the usual authorities',
    )
    .option('--deadline <ms>', 'of a datalake: for each event', positiveWhole)
    .option('--metadata <name>', 'of a datalake: an entry that goes with each event; its value is secret')
    .option('--from-file <file>', 'the secret is what the file holds')
    .option('--settings <file>', 'a JSON file of settings')
    .option('--rename <name>', 'of one that is there: another name')
    .addHelpText('after', setHelp)
    .action(async (named: string, options: SinkSetOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const settings = await settingsOf(environment.cwd, named, options);
      const client = api();
      const there = sinkAmong(await client.sinks(), named);
      // What looks like an id was mistyped, and a new sink is not renamed.
      if (there === undefined && (isId(named) || options.rename !== undefined)) await findSink(client, named);
      const kind = kindOf(named, settings, there);
      refuseOfOtherKind(kind, options);
      const secrets = await secretsOf(environment, { named, kind, settings, there }, options);
      const { kind: _kind, name: _name, ...fields } = settings;
      const { rename } = options;
      if (there === undefined) {
        const sink = await client.createSink({ kind, name: named, ...fields, ...secrets });
        output.result(sink, () => `${oneLine(sink.name)} is set up.\n${sinkText(sink)}`);
        output.note('`afterword sinks test` sends it one event.');
        return;
      }
      const change = { ...(rename === undefined ? {} : { name: rename }), ...fields, ...secrets };
      const sink = await client.changeSink(there.id, change);
      output.result(sink, () => `${oneLine(sink.name)} is changed.\n${sinkText(sink)}`);
    });
}

type Settings = Readonly<Record<string, unknown>>;

/** Throws `invalid_usage` where it cannot be told, or would change. */
function kindOf(named: string, settings: Settings, there: Sink | undefined): unknown {
  const said = settings.kind ?? ('url' in settings ? 'webhook' : 'address' in settings ? 'datalake' : undefined);
  if (there !== undefined) {
    if (said === undefined || said === there.kind) return there.kind;
    throw new AfterwordError('invalid_usage', `${oneLine(named)} is a ${there.kind}, and a sink keeps its kind.`);
  }
  if (said !== undefined) return said;
  const ways = 'a new one needs --webhook URL or --datalake HOST:PORT';
  throw new AfterwordError('invalid_usage', `There is no sink "${oneLine(named)}" to be changed; ${ways}.`);
}

/** Before anybody is asked for a secret that the sink cannot have. */
function refuseOfOtherKind(kind: unknown, { secret, metadata }: SinkSetOptions): void {
  const [option, of] = metadata === undefined ? ['--secret', 'webhook'] : ['--metadata', 'datalake'];
  if ((secret !== true && metadata === undefined) || kind === of) return;
  throw new AfterwordError('invalid_usage', `${option} is of a ${of}; this is a ${String(kind)}.`);
}

interface Asked {
  readonly named: string;
  readonly kind: unknown;
  readonly settings: Settings;
  readonly there: Sink | undefined;
}

/** Read last, so that nobody is asked for a secret in vain. Throws `invalid_usage`, `invalid_file`. */
async function secretsOf(
  environment: CliEnvironment,
  { named, kind, settings, there }: Asked,
  { secret, metadata, fromFile }: SinkSetOptions,
): Promise<Settings> {
  const read = (of: string) => readSecretValue(environment, of, fromFile);
  if (metadata !== undefined) {
    refuseLoss(there, metadata);
    return { metadata: { ...entriesOf(settings), [metadata]: await read(metadata) } };
  }
  const isWebhook: boolean = kind === ('webhook' satisfies SinkKind);
  const isNeeded = isWebhook && there === undefined && settings.secrets === undefined;
  if (secret === true || isNeeded || (isWebhook && fromFile !== undefined)) {
    const lines = (await read(`the secret of ${oneLine(named)}`)).split('\n').map((line) => line.trim());
    return { secrets: lines.filter((line) => line !== '') };
  }
  if (fromFile === undefined) return {};
  throw new AfterwordError('invalid_usage', '--from-file holds a secret: say which, by --metadata NAME.');
}

function entriesOf({ metadata }: Settings): object {
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}

/** Entries are set together, and those that are there cannot be read back. */
function refuseLoss(there: Sink | undefined, entry: string): void {
  if (there?.kind !== 'datalake') return;
  const others = there.metadata.filter((name) => name !== entry);
  if (others.length === 0) return;
  throw new AfterwordError(
    'invalid_usage',
    `${oneLine(there.name)} has other entries (${others.join(', ')}), which would be lost: ` +
      'give all of them by "metadata" in a --settings file.',
  );
}
