import { join, relative } from 'node:path';
import type { Output } from '../cli/output.ts';
import type { Config } from '../config/config.ts';
import { adminKeyPath } from './admin-key.ts';
import { logPath } from './log-file.ts';
import type { System } from './system.ts';

/** Where everything is and what to try next. */
export function welcomeText(
  output: Output,
  { config, system, readyAfter }: { config: Config; system: System; readyAfter: string },
): string {
  const places: [string, string][] = [
    ['API', `${system.apiUrl}  (described in ${system.apiUrl}/openapi.json)`],
    ['API key', shown(adminKeyPath(config.home))],
    ...(system.temporalUiUrl === null
      ? []
      : [['Temporal UI', `${system.temporalUiUrl}  (each event is a workflow)`] satisfies [string, string]]),
    ['Receiver', `${system.standIns.receiver.url}  (what the example handlers sent)`],
    ['Log', shown(logPath(config.home))],
  ];
  const tries: [string, string][] = [
    ['executions', 'what ran'],
    ['emit examples/events/closed-without-reply.json --wait', 'publish an event, see what its handlers do'],
    ['emit examples/events/closed.json --wait', 'an event that was published before: nothing runs twice'],
    ['handlers push examples/handlers', 'after you have changed one'],
  ];
  const home = config.home === join(process.cwd(), '.afterword') ? '' : `AFTERWORD_HOME=${config.home} `;
  const longest = Math.max(...tries.map(([command]) => command.length));
  return [
    '',
    output.style('bold', `Afterword is ready, after ${readyAfter}.`),
    ...places.map(([name, place]) => `  ${name.padEnd(12)} ${place}`),
    '',
    'Try next, in another terminal:',
    ...tries.map(
      ([command, what]) =>
        `  ${home}npm exec afterword -- ${command.padEnd(longest)}  ${output.style('dim', `# ${what}`)}`,
    ),
    '',
    'Ctrl-C stops it.',
  ].join('\n');
}

function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
