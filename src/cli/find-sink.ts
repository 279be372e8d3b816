import type { Sink } from '../contract/sink.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ApiClient } from './api-client.ts';
import { oneLine } from './text.ts';

/** By its id or its name. Throws `sink_not_found`, which names those that there are. */
export async function findSink(api: ApiClient, idOrName: string): Promise<Sink> {
  const sinks = await api.sinks();
  const found = sinkAmong(sinks, idOrName);
  if (found !== undefined) return found;
  const names = sinks.map(({ name }) => oneLine(name)).join(', ');
  const others = names === '' ? 'The organisation has none yet.' : `There are: ${names}.`;
  throw new AfterwordError('sink_not_found', `There is no sink "${oneLine(idOrName)}". ${others}`);
}

export function sinkAmong(sinks: readonly Sink[], idOrName: string): Sink | undefined {
  return sinks.find(({ id }) => id === idOrName) ?? sinks.find(({ name }) => name === idOrName);
}
