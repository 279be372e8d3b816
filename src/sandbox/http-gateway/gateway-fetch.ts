import { AfterwordError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import type { HttpGateway } from './gateway.ts';

/** `fetch` for clients of others that go where an organisation says: by the gateway, so to public addresses only. */
export type GatewayFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Follows no redirect. Throws `llm_failed` for an address that may not be reached; TypeError, as fetch does, where no answer came. */
export function createGatewayFetch(gateway: HttpGateway, organization: string): GatewayFetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const outcome = await gateway.send(
      {
        method: request.method,
        url: request.url,
        // What comes is handed on as it is: nothing here decompresses.
        headers: [
          ...[...request.headers].filter(([name]) => name !== 'accept-encoding'),
          ['accept-encoding', 'identity'],
        ],
        body: Buffer.from(await request.arrayBuffer()),
        connectMs: limits.outsideRequestMs,
        readMs: limits.outsideRequestMs,
        insecure: false,
        organization,
      },
      request.signal,
    );
    if (!outcome.ok) throw toFetchError(outcome.failure);
    const { status, reason, headers, body } = outcome.response;
    const answer = [101, 204, 205, 304].includes(status) ? null : new Uint8Array(body);
    return new Response(answer, { status, statusText: reason, headers: headers.map(([name, value]) => [name, value]) });
  };
}

function toFetchError({ code, message }: { readonly code: string; readonly message: string }): Error {
  return code === 'http_refused' ? new AfterwordError('llm_failed', message) : new TypeError(message);
}
