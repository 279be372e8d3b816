import type { LookupAddress } from 'node:dns';
import { limits } from '../../domain/limits.ts';
import { createAddressCheck, type AddressCheck } from './address-check.ts';
import { literalAddress, parseNetwork } from './addresses.ts';
import { resolveBySystem, type ResolveName } from './checked-lookup.ts';
import { Connections } from './connections.ts';
import { AddressConditions, noConditions, type EgressPolicy } from './egress-policy.ts';
import { addressRefused, egressRefused, toHttpFailure, type HttpFailure } from './http-failure.ts';
import { locate } from './locate.ts';
import { OwnAddresses } from './own-addresses.ts';
import { headersOf, hostHeadersOf, pathOf } from './request-head.ts';
import { ResponseCollector } from './response-collector.ts';

export interface HttpRequest {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** To the connection, and for each silence after it. */
  readonly connectMs: number;
  readonly readMs: number;
  /** To the last byte of the answer; left out: 55 s. */
  readonly totalMs?: number;
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** Whose it is: organisations have their names looked up in turns. */
  readonly organization?: string;
  /** Where it may go of what is public; left out: anywhere. */
  readonly egress?: EgressPolicy | undefined;
}

export interface HttpResponse {
  readonly status: number;
  readonly reason: string;
  /** Names in lower case; one that came several times stands several times. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** As it came: not decompressed. */
  readonly body: Buffer;
}

export type HttpOutcome =
  { readonly ok: true; readonly response: HttpResponse } | { readonly ok: false; readonly failure: HttpFailure };

export interface HttpGateway {
  /** Sends one request; follows no redirect. Never rejects: what went wrong is a failure. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpOutcome>;
  /**
   * The one address of a host that may be connected to, for what is no HTTP: whoever looks the name up again may be led
   * elsewhere. Rejects where it may not be reached or is not known, saying why.
   */
  locate(hostname: string, signal: AbortSignal, organization: string): Promise<LookupAddress>;
  close(): Promise<void>;
}

export interface HttpGatewayOptions {
  /** Networks such as `10.1.0.0/16`, or single addresses, that handlers may reach though they are private. */
  readonly openNetworks: readonly string[];
  /**
   * What is led elsewhere: URLs that are one of these or lie below it, such as `https://api.example.com`, go to this
   * origin, such as `http://127.0.0.1:9999`. The path stays.
   */
  readonly origins: ReadonlyMap<string, string>;
  /** Left out: the system's. */
  readonly resolve?: ResolveName;
}

/**
 * All that handlers send into the world goes through here: to public addresses only, checked at the moment of
 * connecting, over connections that are kept for the next request. Proxies and credentials of the environment play no
 * part: nothing here reads any.
 */
export function createHttpGateway(options: HttpGatewayOptions): HttpGateway {
  const mayReach = createAddressCheck(options.openNetworks.map(parseNetwork), new OwnAddresses());
  const connections = new Connections(options.resolve ?? resolveBySystem, mayReach);
  const origins = [...options.origins];

  return {
    async send(request, signal) {
      const url = URL.parse(request.url);
      if (url === null) return failed({ code: 'http_invalid_request', message: `"${request.url}" is not a URL` });
      const refused = refusalOfKind(request, url);
      if (refused !== undefined) return failed({ code: 'http_refused', message: refused });
      const led = origins.find(([asked]) => isBelow(url, asked))?.[1];
      const conditions = conditionsOf(request, url, led === undefined ? mayReach : null);
      if ('code' in conditions) return failed(conditions);
      const { readMs, totalMs = limits.httpRequestMs, organization = '' } = request;
      const collector = new ResponseCollector({ ...request, totalMs, organization }, url.origin, signal);
      try {
        connections.dispatch(
          { conditions: led === undefined ? conditions : null, insecure: request.insecure },
          {
            origin: led ?? url.origin,
            path: pathOf(request.url, url),
            method: request.method,
            headers: headersOf(request, url.host),
            body: request.body.length > 0 ? request.body : null,
            headersTimeout: readMs,
            bodyTimeout: readMs,
          },
          collector,
        );
      } catch (error) {
        collector.fail(toHttpFailure(error, url.origin));
      }
      return await collector.outcome;
    },
    locate: (hostname, signal, organization) => locate({ mayReach, connections }, hostname, signal, organization),
    close: () => connections.close(),
  };
}

/** They make a tunnel, or show what the path adds: neither is a handler's business. */
const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

function refusalOfKind({ method }: HttpRequest, { protocol }: URL): string | undefined {
  if (protocol !== 'http:' && protocol !== 'https:') return `${protocol}// is not carried; use http:// or https://`;
  return forbiddenMethods.has(method.toUpperCase()) ? `${method} is not carried` : undefined;
}

/**
 * What is left to ask of the addresses behind the host, or why the request is not sent. `mayReach`: null where the
 * operator chose the address. A `Host` header is a host too: behind one address there may be many.
 */
function conditionsOf(request: HttpRequest, url: URL, mayReach: AddressCheck | null): AddressConditions | HttpFailure {
  const address = literalAddress(url.hostname);
  if (address !== undefined && mayReach?.(address) === false) return addressRefused(url.origin);
  const { egress } = request;
  if (egress === undefined || egress.isEmpty) return noConditions;
  const named = hostHeadersOf(request, url.protocol);
  if (named === null) {
    return { code: 'http_invalid_request', message: `${url.origin}: its Host header does not name a host` };
  }
  const judged = egress.judge([url, ...named].map((host) => ({ hostname: host.hostname, port: portOf(host) })));
  if (!(judged instanceof AddressConditions)) return egressRefused(url.origin, judged);
  if (address === undefined && mayReach !== null) return judged;
  const refusal = judged.refusalOf(address === undefined ? [] : [address]);
  return refusal === undefined ? noConditions : egressRefused(url.origin, refusal);
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

function failed(failure: HttpFailure): HttpOutcome {
  return { ok: false, failure };
}

function isBelow({ href }: URL, asked: string): boolean {
  return href.startsWith(asked) && ['', '/', '?', '#'].includes(href.charAt(asked.length));
}
