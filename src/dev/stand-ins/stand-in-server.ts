import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  /** An object is sent as JSON. */
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What goes wrong with the next request that fits: before it has its effect, or after it, when only the answer is lost. */
export interface Fault {
  /** Part of the path. */
  readonly on: string;
  readonly when?: 'before' | 'after';
  /** `drop` closes the connection; `hang` never answers. */
  readonly then: Reply | 'drop' | 'hang';
  /** Requests that it hits: 1. */
  readonly times?: number;
}

/** A server that stands in for somebody else's API, on this machine. */
export interface StandInServer {
  readonly url: string;
  /** Every request, oldest first. */
  readonly received: readonly Received[];
  fail(fault: Fault): void;
  /** Nothing goes wrong any more. */
  mend(): void;
  close(): Promise<void>;
}

export async function startStandIn(answer: (request: Received) => Reply, port = 0): Promise<StandInServer> {
  const received: Received[] = [];
  const faults: { fault: Fault; left: number }[] = [];

  function nextFault(path: string): Fault | undefined {
    const next = faults.find(({ fault, left }) => left > 0 && path.includes(fault.on));
    if (next === undefined) return undefined;
    next.left -= 1;
    return next.fault;
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      send(response, { status: 500, body: String(error) });
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    await new Promise((resolve) => request.once('close', resolve));
    const one: Received = {
      method: request.method ?? '',
      url: new URL(request.url ?? '/', 'http://stand-in'),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    received.push(one);
    const fault = nextFault(one.url.pathname);
    if (fault === undefined) {
      send(response, answer(one));
      return;
    }
    if (fault.when === 'after') answer(one);
    if (fault.then === 'drop') response.destroy();
    else if (fault.then !== 'hang') send(response, fault.then);
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${String(portOf(server.address()))}`,
    received,
    fail: (fault) => faults.push({ fault, left: fault.times ?? 1 }),
    mend: () => {
      faults.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the stand-in does not listen');
  return address.port;
}

function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain' : 'application/json; charset=UTF-8';
  response.writeHead(status, { 'content-type': type, ...headers }).end(text);
}
