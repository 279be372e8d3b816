import type { Command } from 'commander';
import { AfterwordError } from '../domain/errors.ts';
import { addDeadLettersCommands } from './dead-letters.ts';
import { openInvocation } from './environment.ts';
import type { CliEnvironment } from './environment.ts';
import { findSink } from './find-sink.ts';
import { sinksTable, sinkText } from './sink-view.ts';
import { addSinksSet } from './sinks-set.ts';
import { oneLine, plural } from './text.ts';

const sinkArgument = ['<sink>', 'its name or its id'] as const;

export function addSinksCommands(program: Command, environment: CliEnvironment): void {
  const sinks = program.command('sinks').description('where analytics events are sent: webhooks and datalakes');
  addList(sinks, environment);
  addShow(sinks, environment);
  addSinksSet(sinks, environment);
  addTest(sinks, environment);
  addSwitch(sinks, environment, true);
  addSwitch(sinks, environment, false);
  addRemove(sinks, environment);
  addDeadLettersCommands(sinks, environment);
}

function addList(sinks: Command, environment: CliEnvironment): void {
  sinks
    .command('list')
    .description('the sinks of the organisation, and how they fare')
    .action(async (_options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const items = await api().sinks();
      output.result({ items }, () =>
        items.length === 0 ? 'No sinks yet. `afterword sinks set NAME` sets one up.' : sinksTable(output, items),
      );
    });
}

function addShow(sinks: Command, environment: CliEnvironment): void {
  sinks
    .command('show')
    .description('one sink: its settings, without what is secret, and how it fares')
    .argument(...sinkArgument)
    .action(async (named: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const sink = await findSink(api(), named);
      output.result(sink, () => sinkText(sink));
    });
}

function addTest(sinks: Command, environment: CliEnvironment): void {
  sinks
    .command('test')
    .description('send one event, marked by the key afterword_test, and say what came of it; also to one that is off')
    .argument(...sinkArgument)
    .addHelpText('after', '\nExit code 1 when it did not arrive.')
    .action(async (named: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const { id, name } = await findSink(client, named);
      const tested = await client.testSink(id);
      const { delivered, error, eventId, ms } = tested;
      output.result(tested, () =>
        delivered ? `${oneLine(name)} took the test event ${eventId} in ${String(ms)} ms.` : '',
      );
      if (delivered) return;
      const why = oneLine(error ?? 'it did not say why', 1_000).replace(/\.$/u, '');
      throw new AfterwordError('sink_test_failed', `${oneLine(name)} did not take the test event: ${why}.`);
    });
}

function addSwitch(sinks: Command, environment: CliEnvironment, enabled: boolean): void {
  sinks
    .command(enabled ? 'on' : 'off')
    .description(
      enabled
        ? 'switch a sink on: what waits for it is sent, and new events go there again'
        : 'switch a sink off: it gets no new events; what waits for it goes on waiting and does not grow old',
    )
    .argument(...sinkArgument)
    .action(async (named: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const sink = await client.changeSink((await findSink(client, named)).id, { enabled });
      const waiting = sink.pending === 0 ? '' : `; ${waitFor(sink.pending)}`;
      output.result(sink, () => `${oneLine(sink.name)} is ${enabled ? 'on' : 'off'}${waiting}.`);
    });
}

function waitFor(events: number): string {
  return `${plural(events, 'event')} ${events === 1 ? 'waits' : 'wait'} for it`;
}

function addRemove(sinks: Command, environment: CliEnvironment): void {
  sinks
    .command('rm')
    .description('delete a sink; what waits for it is given up and cannot be sent again')
    .argument(...sinkArgument)
    .action(async (named: string, _options: object, command: Command) => {
      const { api, output } = openInvocation(environment, command);
      const client = api();
      const sink = await client.deleteSink((await findSink(client, named)).id);
      const lost = sink.pending === 0 ? '' : `; ${plural(sink.pending, 'event')} that waited for it: given up`;
      output.result(sink, () => `${oneLine(sink.name)} is deleted${lost}.`);
    });
}
