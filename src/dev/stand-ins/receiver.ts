import { startStandIn } from './stand-in-server.ts';

export interface Arrived {
  readonly method: string;
  /** Host and path that the handler asked for. */
  readonly target: string;
  readonly body: string;
}

/** Takes every request that is led to it, and shows them to a browser that opens its own address. */
export interface Receiver {
  readonly url: string;
  /** Oldest first. */
  arrived(): Arrived[];
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const own: { host: string; arrived: () => Arrived[] } = { host: '', arrived: () => [] };
  const server = await startStandIn(({ headers }) => {
    const text = headers.host === own.host ? pageOf(own.arrived()) : 'ok';
    return { status: 200, body: text };
  });
  own.host = new URL(server.url).host;
  own.arrived = () =>
    server.received
      .filter(({ headers }) => headers.host !== own.host)
      .map(({ method, url, headers, body }) => ({
        method,
        target: `${headers.host ?? ''}${url.pathname}${url.search}`,
        body,
      }));
  return { url: server.url, arrived: own.arrived, close: () => server.close() };
}

/** Plain text, newest first. */
function pageOf(arrived: readonly Arrived[]): string {
  if (arrived.length === 0) return 'Nothing has arrived yet.\n';
  return arrived
    .toReversed()
    .map(({ method, target, body }) => `${method} ${target}\n${body}\n`)
    .join('\n');
}
