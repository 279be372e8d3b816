import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import { AfterwordError } from '../domain/errors.ts';

/** An app of Hono's. */
export interface Served {
  readonly fetch: (request: Request) => Response | Promise<Response>;
}

export interface Listening {
  /** An address that works on this machine, without a slash at the end. */
  readonly url: string;
  /** No new requests; those under way may finish within `graceMs`. Answers whether some were cut off. */
  stop(graceMs: number): Promise<boolean>;
}

interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Of the variables that set them, for messages: `AFTERWORD` where left out. */
  readonly prefix?: string;
}

/** Throws `port_taken`, or `bad_configuration` for a host that is not this machine's. */
export async function listen(app: Served, { host, port, prefix = 'AFTERWORD' }: ListenOptions): Promise<Listening> {
  const answer = getRequestListener(app.fetch);
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  server.listen({ host, port });
  try {
    await once(server, 'listening');
  } catch (error) {
    throw toListenError(error, host, port, prefix);
  }
  return { url: urlOf(server, host), stop: (graceMs) => stop(server, graceMs) };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

async function stop(server: Server, graceMs: number): Promise<boolean> {
  const state = { closed: false };
  server.close(() => (state.closed = true));
  const deadline = Date.now() + graceMs;
  while (!state.closed && Date.now() < deadline) {
    // Connections that are kept alive become idle one by one, as their requests end.
    server.closeIdleConnections();
    await sleep(20);
  }
  if (state.closed) return false;
  server.closeAllConnections();
  return true;
}

function urlOf(server: Server, host: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${address.port}`;
}

function toListenError(error: unknown, host: string, port: number, prefix: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    const detail = `Port ${port} of ${host} is in use by another program; choose another by ${prefix}_PORT.`;
    return new AfterwordError('port_taken', detail, { cause: error });
  }
  if (code === 'EACCES') {
    const detail = `${prefix}_PORT: this user may not listen on port ${port}; choose one above 1023.`;
    return new AfterwordError('bad_configuration', detail, { cause: error });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    const detail = `${prefix}_HOST: "${host}" is not an address of this machine.`;
    return new AfterwordError('bad_configuration', detail, { cause: error });
  }
  return error;
}
