import { join } from 'node:path';
import protobuf from 'protobufjs';
import { packageRoot } from '../../config/package-root.ts';
import type { JsonObject, JsonValue } from '../../contract/json.ts';
import { pythonText } from '../../domain/python-text.ts';
import type { SinkEvent, WireValueType } from '../sink.ts';

const root = new protobuf.Root().loadSync(join(packageRoot, 'src', 'analytics', 'sinks', 'datalake.proto'));
const request = root.lookupType('events.InsertEventRequest');
const response = root.lookupType('events.InsertEventResponse');

export const insertPath = '/events.DatalakeManagerService/InsertEventData';

const valueTypes: Readonly<Record<WireValueType, number>> = { int: 1, string: 2, bool: 3, list: 4 };

/** The datalake's own client sends every value as text, with its type beside it: whoever reads it back expects that. */
export function encodeEvent({ payload, moment, wireType }: SinkEvent): Buffer {
  const { event_name: eventName, key, project, contact_urn: contactUrn, value, metadata } = payload;
  const message = {
    eventName,
    key,
    date: timestampOf(moment),
    project,
    contactUrn,
    valueType: valueTypes[wireType],
    value: { stringValue: pythonText(value) },
    ...(Object.keys(metadata).length === 0 ? {} : { metadata: structOf(metadata) }),
  };
  return Buffer.from(request.encode(message).finish());
}

/** The datalake's word for how it went; "" where it says nothing. */
export function decodeStatus(bytes: Uint8Array): string {
  const { status } = response.toObject(response.decode(bytes), { defaults: true });
  return typeof status === 'string' ? status : '';
}

/** RFC 3339 in UTC, with microseconds. */
function timestampOf(moment: string): { seconds: number; nanos: number } {
  const [whole = '', fraction = ''] = moment.slice(0, -1).split('.');
  return { seconds: Date.parse(`${whole}Z`) / 1000, nanos: Number(fraction.padEnd(9, '0')) };
}

function structOf(object: JsonObject): object {
  return { fields: Object.fromEntries(Object.entries(object).map(([key, value]) => [key, structValueOf(value)])) };
}

function structValueOf(value: JsonValue): object {
  if (value === null) return { nullValue: 0 };
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Array.isArray(value) ? { listValue: { values: value.map(structValueOf) } } : { structValue: structOf(value) };
}
