import type { Sink } from '../contract/sink.ts';
import type { Output } from './output.ts';
import { formatTime, oneLine } from './text.ts';

export function sinksTable(output: Output, sinks: readonly Sink[]): string {
  return output.table(
    ['NAME', 'KIND', 'TO', 'STATE', 'WAITING', 'DEAD', 'ID'],
    sinks.map((sink) => [
      oneLine(sink.name),
      sink.kind,
      oneLine(whereTo(sink), 60),
      stateOf(sink),
      String(sink.pending),
      String(sink.dead),
      sink.id,
    ]),
  );
}

/** Everything that may be known of it. */
export function sinkText(sink: Sink): string {
  const rows: [string, string][] = [
    ['id', sink.id],
    ['kind', sink.kind],
    ['to', whereTo(sink)],
    ...settingsOf(sink),
    ['state', stateOf(sink)],
    ['waiting', String(sink.pending)],
    ['dead', String(sink.dead)],
    ...(sink.lastError === null ? [] : [['last error', oneLine(sink.lastError, 1_000)] satisfies [string, string]]),
    ['created', formatTime(sink.createdAt)],
    ['changed', formatTime(sink.updatedAt)],
  ];
  return [oneLine(sink.name), ...rows.map(([name, value]) => `  ${name.padEnd(11)}${oneLine(value, 2_000)}`)].join(
    '\n',
  );
}

function whereTo(sink: Sink): string {
  return sink.kind === 'webhook' ? sink.url : sink.address;
}

function settingsOf(sink: Sink): [string, string][] {
  if (sink.kind === 'webhook') return [['secrets', `${String(sink.secrets)}, not shown`]];
  const { tls, caCertificate, deadlineMs, metadata } = sink;
  return [
    ['tls', tls ? `yes, ${caCertificate === null ? 'the usual authorities' : 'an authority of its own'}` : 'no'],
    ['deadline', `${String(deadlineMs)} ms`],
    ['metadata', metadata.length === 0 ? 'none' : `${metadata.join(', ')}; values not shown`],
  ];
}

function stateOf({ enabled, offReason, restsUntil }: Sink): string {
  if (!enabled) return offReason === null ? 'off' : `off: ${oneLine(offReason, 80)}`;
  return restsUntil === null ? 'on' : `rests until ${formatTime(restsUntil)}`;
}
