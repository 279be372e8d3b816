import type { WireValueType } from './sink.ts';

const known: readonly WireValueType[] = ['string', 'int', 'bool', 'list'];

/** The type that goes over the wire: known ones in any letter case; whatever else an event says is sent as a string. */
export function wireTypeOf(valueType: string): WireValueType {
  const lower = valueType.toLowerCase();
  return known.find((type) => type === lower) ?? 'string';
}
