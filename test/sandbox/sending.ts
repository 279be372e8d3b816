import { setImmediate as turn } from 'node:timers/promises';
import type { HttpGateway, HttpOutcome, HttpRequest } from '../../src/sandbox/http-gateway/gateway.ts';

/** A GET, as a handler would ask for it. */
export function requestOf(url: string): HttpRequest {
  const times = { connectMs: 5_000, readMs: 5_000 };
  return { method: 'GET', url, headers: [], body: Buffer.alloc(0), insecure: false, ...times };
}

/** One request through a gateway, as a handler would send it. */
export async function send(through: HttpGateway, url: string, more: Partial<HttpRequest> = {}): Promise<HttpOutcome> {
  const outcome = await through.send({ ...requestOf(url), ...more }, new AbortController().signal);
  // The connection is free for the next request a turn of the event loop later.
  await turn();
  await turn();
  return outcome;
}

export const refused = { ok: false, failure: { code: 'http_refused' } } as const;
