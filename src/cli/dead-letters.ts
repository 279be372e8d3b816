import type { Command } from 'commander';
import { validate as isId } from 'uuid';
import type { DeadLetter, ResendInput } from '../contract/dead-letter.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ApiClient } from './api-client.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { findSink } from './find-sink.ts';
import { pageSize } from './option-parsers.ts';
import type { Output } from './output.ts';
import { formatTime, oneLine, plural } from './text.ts';

interface ListOptions {
  sink?: string;
  limit: number;
  before?: string;
}

interface ResendOptions {
  sink?: string;
  all?: true;
}

const defaultLimit = 25;

/** `sinks dead-letters`. */
export function addDeadLettersCommands(sinks: Command, environment: CliEnvironment): void {
  const letters = sinks.command('dead-letters').description('events that a sink refused, or did not take for 24 hours');
  addList(letters, environment);
  addResend(letters, environment);
}

function addList(letters: Command, environment: CliEnvironment): void {
  letters
    .command('list')
    .description('what sinks never took, of the newest event first')
    .option('--sink <sink>', 'of this one, by its name or its id; of a deleted one by its id')
    .option('--limit <n>', 'how many', pageSize, defaultLimit)
    .option('--before <cursor>', 'go on where a page ended')
    .action(async ({ sink, limit, before }: ListOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const page = await client.deadLetters({
        limit,
        before,
        ...(sink === undefined ? {} : { sink: await idToRead(client, sink) }),
      });
      output.result(page, () => {
        if (page.items.length === 0) return 'No dead letters.';
        const more = page.next === null ? '' : `\n\nOlder ones: --before ${page.next}`;
        return `${lettersTable(output, page.items)}${more}`;
      });
    });
}

/** Dead letters of a deleted sink stay to be read, but no list says its name any more. */
async function idToRead(api: ApiClient, named: string): Promise<string> {
  try {
    return (await findSink(api, named)).id;
  } catch (error) {
    const isUnknown = error instanceof AfterwordError && error.code === 'sink_not_found';
    if (!isUnknown || !isId(named)) throw error;
    if ((await api.deadLetters({ sink: named, limit: 1 })).items.length > 0) return named;
    throw error;
  }
}

function lettersTable(output: Output, letters: readonly DeadLetter[]): string {
  return output.table(
    ['SINK', 'KEY', 'SINCE', 'TRIES', 'ERROR', 'ID'],
    letters.map(({ sinkName, event, waitedSince, tries, error, id, resendable }) => [
      resendable ? oneLine(sinkName) : `${oneLine(sinkName)} (deleted)`,
      oneLine(event.key, 40),
      formatTime(waitedSince),
      String(tries),
      oneLine(error ?? '', 80),
      id,
    ]),
  );
}

function addResend(letters: Command, environment: CliEnvironment): void {
  letters
    .command('resend')
    .description('have dead letters sent again, under the same event ids; they have another 24 hours')
    .argument('[id...]', 'these, as `afterword sinks dead-letters list` shows them')
    .option('--sink <sink>', 'all of this sink, by its name or its id')
    .option('--all', 'all')
    .addHelpText('after', '\nThose of a deleted sink stay. Exit code 1 when one that was named is not sent again.')
    .action(async (ids: string[], { sink, all }: ResendOptions, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const ways = [ids.length > 0, sink !== undefined, all === true].filter(Boolean).length;
      if (ways !== 1) {
        throw new AfterwordError(
          'invalid_usage',
          'Name dead letters by their ids, or --sink SINK, or --all: one of them.',
        );
      }
      const client = api();
      const input: ResendInput =
        sink !== undefined
          ? { sink: (await findSink(client, sink)).id }
          : all === true
            ? { all }
            : { ids: [...new Set(ids)] };
      const resent = await client.resendDeadLetters(input);
      const count = resent.resent;
      output.result(resent, () =>
        count === 0 ? 'No dead letters to send again.' : `${plural(count, 'dead letter')} to be sent again.`,
      );
      const missing = (input.ids?.length ?? count) - count;
      if (missing > 0) {
        const them = `${String(missing)} of the ids ${missing === 1 ? 'is' : 'are'}`;
        throw new AfterwordError('not_found', `${them} no dead letter any more, or of a sink that was deleted.`);
      }
    });
}
