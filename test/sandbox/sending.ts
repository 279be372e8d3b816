import { setImmediate as turn } from 'node:timers/promises';
import type { HttpGateway, HttpOutcome, HttpRequest } from '../../src/sandbox/http-gateway/gateway.ts';

/** One request through a gateway, as a handler would send it. */
export async function send(through: HttpGateway, url: string, more: Partial<HttpRequest> = {}): Promise<HttpOutcome> {
  const request = { method: 'GET', url, headers: [], body: Buffer.alloc(0), insecure: false };
  const times = { connectMs: 5_000, readMs: 5_000 };
  const outcome = await through.send({ ...request, ...times, ...more }, new AbortController().signal);
  // The connection is free for the next request a turn of the event loop later.
  await turn();
  await turn();
  return outcome;
}

export const refused = { ok: false, failure: { code: 'http_refused' } } as const;
