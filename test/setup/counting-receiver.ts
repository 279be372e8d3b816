import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** Requests by their body, each with the keys it came with: more than one key is more than one effect. */
export interface CountingReceiver {
  readonly url: string;
  readonly keysOf: ReadonlyMap<string, ReadonlySet<string>>;
  requests(): number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<CountingReceiver> {
  const keysOf = new Map<string, Set<string>>();
  let requests = 0;
  const take = async (request: IncomingMessage) => {
    const body = await text(request);
    requests += 1;
    const keys = keysOf.get(body) ?? new Set();
    keysOf.set(body, keys.add(String(request.headers['idempotency-key'])));
  };
  const server = createServer((request, response) => {
    take(request).then(
      () => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"taken": true}'),
      () => response.destroy(), // its worker was killed
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    keysOf,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
