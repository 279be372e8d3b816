import { readFileSync } from 'node:fs';
import { Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import { Reader } from 'protobufjs';

/** What arrived, read by the numbers of its fields: nothing here knows our .proto. */
export interface ReceivedEvent {
  readonly eventName: string;
  readonly key: string;
  readonly seconds: number;
  readonly nanos: number;
  readonly project: string;
  readonly contactUrn: string;
  readonly valueType: number;
  /** Of the value: which of its fields, and what stands there. */
  readonly valueField: number;
  readonly value: string;
  readonly metadata: Record<string, unknown> | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** `error`: fails and says so with an OK; `hangs`: never answers; `invalid`: refuses the event; `away`: UNAVAILABLE. */
export type DatalakeBehaviour = 'takes' | 'error' | 'hangs' | 'invalid' | 'away';

export interface DatalakeReceiver {
  readonly port: number;
  /** All that came, whatever was answered, in order. */
  readonly requests: readonly ReceivedEvent[];
  /** What was taken. */
  readonly taken: readonly ReceivedEvent[];
  behave(how: DatalakeBehaviour): void;
  close(): void;
}

export interface DatalakeReceiverOptions {
  readonly port?: number;
  /** With the certificate of `datalake.test`, which `testCa` signed; else plain text. */
  readonly tls?: boolean;
  /** What `authorization` has to be. */
  readonly token?: string;
}

const certificates = new URL('./certificates/', import.meta.url);
const pem = (name: string) => readFileSync(new URL(name, certificates));

/** Good for nothing but tests. */
export const testCa = pem('ca.pem').toString();

export async function startDatalakeReceiver(options: DatalakeReceiverOptions = {}): Promise<DatalakeReceiver> {
  const { tls = false, token } = options;
  const requests: ReceivedEvent[] = [];
  const taken: ReceivedEvent[] = [];
  let behaviour: DatalakeBehaviour = 'takes';
  const server = new Server();
  server.addService(
    {
      InsertEventData: {
        path: '/events.DatalakeManagerService/InsertEventData',
        requestStream: false,
        responseStream: false,
        requestDeserialize: (bytes: Buffer) => bytes,
        requestSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
      },
    },
    {
      InsertEventData(call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
        if (token !== undefined && call.metadata.get('authorization')[0] !== token) {
          answer({ code: status.UNAUTHENTICATED, details: 'no valid token', metadata: new Metadata() });
          return;
        }
        const event = { ...decodeRequest(call.request), headers: headersOf(call.metadata) };
        requests.push(event);
        if (behaviour === 'hangs') return;
        if (behaviour === 'invalid') answer({ code: status.INVALID_ARGUMENT, details: 'never' });
        else if (behaviour === 'away') answer({ code: status.UNAVAILABLE, details: 'not now' });
        else {
          if (behaviour === 'takes') taken.push(event);
          answer(null, statusMessage(behaviour === 'takes' ? 'success' : 'error'));
        }
      },
    },
  );
  const pair = { private_key: pem('datalake.key'), cert_chain: pem('datalake.pem') };
  const credentials = tls ? ServerCredentials.createSsl(null, [pair]) : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${String(options.port ?? 0)}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    requests,
    taken,
    behave(how) {
      behaviour = how;
    },
    close: () => server.forceShutdown(),
  };
}

function headersOf(metadata: Metadata): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]));
}

/** Field 1: text. */
function statusMessage(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x0a, text.length]), Buffer.from(text)]);
}

/** What stands in a message: by field number the bytes, texts and numbers there, as its wire types say. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | number)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = Reader.create(bytes);
  const fields = new Map<number, (Uint8Array | number)[]>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    const value = wireType === 2 ? reader.bytes() : wireType === 1 ? reader.double() : Number(reader.int64());
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

function bytesAt(fields: Fields, number: number): Uint8Array {
  const value = fields.get(number)?.[0];
  return value instanceof Uint8Array ? value : new Uint8Array();
}

const textAt = (fields: Fields, number: number) => new TextDecoder().decode(bytesAt(fields, number));
const numberAt = (fields: Fields, number: number) => Number(fields.get(number)?.[0] ?? 0);

function decodeRequest(bytes: Uint8Array): Omit<ReceivedEvent, 'headers'> {
  const fields = fieldsOf(bytes);
  const date = fieldsOf(bytesAt(fields, 3));
  const value = fieldsOf(bytesAt(fields, 7));
  const [valueField = 0] = [...value.keys()];
  return {
    eventName: textAt(fields, 1),
    key: textAt(fields, 2),
    seconds: numberAt(date, 1),
    nanos: numberAt(date, 2),
    project: textAt(fields, 4),
    contactUrn: textAt(fields, 5),
    valueType: numberAt(fields, 6),
    valueField,
    value: textAt(value, valueField),
    metadata: fields.has(8) ? structOf(bytesAt(fields, 8)) : null,
  };
}

/** google.protobuf.Struct: fields=1, entries of key=1 and value=2. */
function structOf(bytes: Uint8Array): Record<string, unknown> {
  const entries = (fieldsOf(bytes).get(1) ?? []).map((entry) => {
    const pair = fieldsOf(entry instanceof Uint8Array ? entry : new Uint8Array());
    return [textAt(pair, 1), valueOf(bytesAt(pair, 2))] as const;
  });
  return Object.fromEntries(entries);
}

/** google.protobuf.Value: null=1, number=2, string=3, bool=4, struct=5, list=6. */
function valueOf(bytes: Uint8Array): unknown {
  const fields = fieldsOf(bytes);
  const [kind] = [...fields.keys()];
  if (kind === 2) return numberAt(fields, 2);
  if (kind === 3) return textAt(fields, 3);
  if (kind === 4) return numberAt(fields, 4) === 1;
  if (kind === 5) return structOf(bytesAt(fields, 5));
  if (kind !== 6) return null;
  const items = fieldsOf(bytesAt(fields, 6)).get(1) ?? [];
  return items.map((item) => valueOf(item instanceof Uint8Array ? item : new Uint8Array()));
}
