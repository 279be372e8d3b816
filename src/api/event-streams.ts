import { streamSSE } from 'hono/streaming';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { Log } from '../observability/log.ts';
import { logStreamFailed } from '../observability/server-log.ts';
import type { ApiContext } from './problems.ts';

export interface StreamedEvent {
  readonly event: string;
  readonly data: unknown;
  /** What a reader that comes back says as its Last-Event-ID; left out: as before. */
  readonly id?: string;
}

type Events = (signal: AbortSignal) => AsyncIterable<StreamedEvent>;

/** A place among the streams of an organisation: it is opened, or given back. */
export interface StreamPlace {
  /** An answer that goes on until the events end, the reader goes, the server stops or the time of a stream is over. */
  open(c: ApiContext, events: Events): Response;
  giveBack(): void;
}

export interface EventStreams {
  /** Throws `too_many_streams`. */
  reserve(organizationId: string): StreamPlace;
  /** Both at once. Throws `too_many_streams`. */
  open(c: ApiContext, events: Events): Response;
}

export interface EventStreamsOptions {
  readonly log: Log;
  /** Aborted when the server stops. */
  readonly stopping: AbortSignal;
  /** `limits.streamMs`. */
  readonly mostMs?: number | undefined;
  readonly heartbeatMs?: number | undefined;
}

/** Proxies drop what is silent for a minute; a reader that has gone is found out by it, too. */
const defaultHeartbeatMs = 15_000;

export function createEventStreams({
  log,
  stopping,
  mostMs = limits.streamMs,
  heartbeatMs = defaultHeartbeatMs,
}: EventStreamsOptions): EventStreams {
  const openStreams = new Map<string, number>();

  function reserve(organizationId: string): StreamPlace {
    const open = openStreams.get(organizationId) ?? 0;
    if (open >= limits.streamsPerOrganization) {
      const detail = `${String(open)} event streams are open, as many as an organisation may have on one server.`;
      throw new AfterwordError('too_many_streams', detail);
    }
    openStreams.set(organizationId, open + 1);
    const giveBack = () => {
      const left = (openStreams.get(organizationId) ?? 1) - 1;
      if (left > 0) openStreams.set(organizationId, left);
      else openStreams.delete(organizationId);
    };
    return { giveBack, open: (c, events) => answer(c, events, giveBack) };
  }

  function answer(c: ApiContext, events: Events, giveBack: () => void): Response {
    // Otherwise nginx keeps the events until there are many.
    c.header('X-Accel-Buffering', 'no');
    const gone = new AbortController();
    const signal = AbortSignal.any([gone.signal, c.req.raw.signal, stopping, AbortSignal.timeout(mostMs)]);
    return streamSSE(c, async (stream) => {
      stream.onAbort(() => {
        gone.abort();
      });
      const heartbeat = setInterval(() => void stream.write(': \n\n'), heartbeatMs);
      try {
        await stream.write(': \n\n');
        for await (const { event, data, id } of events(signal)) {
          if (signal.aborted) return;
          await stream.writeSSE({ event, data: JSON.stringify(data), ...(id === undefined ? {} : { id }) });
        }
      } catch (error) {
        // Its reader comes back with the last id, and then hears what is wrong.
        if (!signal.aborted) logStreamFailed(log, c.get('requestId'), error);
      } finally {
        clearInterval(heartbeat);
        giveBack();
      }
    });
  }

  return { reserve, open: (c, events) => reserve(c.get('organizationId')).open(c, events) };
}
