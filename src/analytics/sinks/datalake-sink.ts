import { Metadata, status as codes, type Client } from '@grpc/grpc-js';
import { SinkRefusal, type AnalyticsSink } from '../sink.ts';
import type { Datalake, DatalakeChannels } from './datalake-channels.ts';
import { decodeStatus, encodeEvent, insertPath } from './datalake-wire.ts';

export interface DatalakeOptions extends Datalake {
  /** Of the sink, as it stands with its deliveries. */
  readonly name: string;
  readonly deadlineMs: number;
  /** Sent with each event, such as `authorization`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Inserts each event into a datalake over gRPC. */
export function createDatalakeSink(options: DatalakeOptions, channels: DatalakeChannels): AnalyticsSink {
  const { name, deadlineMs, metadata, host, port, tls, caCertificate } = options;
  const datalake = { host, port, tls, caCertificate };
  return {
    name,
    async deliver(event, signal) {
      const headers = new Metadata();
      for (const [key, value] of Object.entries(metadata)) headers.set(key, value);
      headers.set('idempotency-key', event.id);
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
      const client = await channels.open(datalake, deadline);
      let said;
      try {
        said = await insert(client, encodeEvent(event), headers, Date.now() + deadlineMs, signal);
      } catch (error) {
        if (lost.has(codeOf(error))) channels.drop(datalake);
        throw toSinkError(error);
      }
      // It answers OK also where it failed.
      if (said !== 'success') throw new Error(`The datalake answered the status "${said.slice(0, 100)}"`);
    },
  };
}

/** They say that the event itself is bad; of the others somebody may mend the cause. */
const refusing: ReadonlySet<number> = new Set([codes.INVALID_ARGUMENT]);
/** The connection may be why: one that hangs would hang for the next event too. */
const lost: ReadonlySet<number | undefined> = new Set([codes.UNAVAILABLE, codes.DEADLINE_EXCEEDED, codes.CANCELLED]);

function insert(
  client: Client,
  message: Buffer,
  headers: Metadata,
  deadline: number,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = client.makeUnaryRequest(
      insertPath,
      (bytes: Buffer) => bytes,
      decodeStatus,
      message,
      headers,
      { deadline },
      (error, said) => {
        signal.removeEventListener('abort', cancel);
        if (error === null) resolve(said ?? '');
        else reject(error);
      },
    );
    const cancel = () => {
      call.cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}

function toSinkError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const code = codeOf(error);
  if (code === undefined) return error;
  const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
  const message = `The datalake answered ${codes[code] ?? String(code)}: ${details}`;
  return refusing.has(code) ? new SinkRefusal(message) : new Error(message);
}

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}
