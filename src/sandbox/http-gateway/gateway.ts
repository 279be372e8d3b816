import { Agent, type Dispatcher } from 'undici';
import { limits } from '../../domain/limits.ts';
import { isOpen, literalAddress, parseNetwork } from './addresses.ts';
import { createCheckedLookup } from './checked-lookup.ts';
import { addressRefused, toHttpFailure, type HttpFailure } from './http-failure.ts';
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
  /** Takes any certificate. */
  readonly insecure: boolean;
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
}

/** Longer than any handler runs: a request's own times end it earlier. */
const agentConnectMs = limits.attemptMs;

/** What concerns one connection and not the request: ours to set. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * All that handlers send into the world goes through here: to public addresses only, checked at the moment of
 * connecting, over connections that are kept for the next request.
 */
export function createHttpGateway({ origins, ...options }: HttpGatewayOptions): HttpGateway {
  const openNetworks = options.openNetworks.map(parseNetwork);
  const lookup = createCheckedLookup(openNetworks);
  const agents = {
    checked: new Agent({ connect: { lookup, timeout: agentConnectMs } }),
    insecure: new Agent({ connect: { lookup, timeout: agentConnectMs, rejectUnauthorized: false } }),
    // The operator chose the address.
    led: new Agent({ connect: { timeout: agentConnectMs } }),
  };

  function routeOf(url: URL, insecure: boolean): { agent: Dispatcher; origin: string } | undefined {
    const elsewhere = [...origins].find(([asked]) => isBelow(url, asked));
    if (elsewhere !== undefined) return { agent: agents.led, origin: elsewhere[1] };
    const address = literalAddress(url.hostname);
    if (address !== undefined && !isOpen(address, openNetworks)) return undefined;
    return { agent: insecure ? agents.insecure : agents.checked, origin: url.origin };
  }

  return {
    async send(request, signal) {
      const url = URL.parse(request.url);
      if (url === null) return failed('http_invalid_request', `"${request.url}" is not a URL`);
      if (url.protocol !== 'http:' && url.protocol !== 'https:') {
        return failed('http_refused', `${url.protocol}// is not carried; use http:// or https://`);
      }
      if (forbiddenMethods.has(request.method.toUpperCase())) {
        return failed('http_refused', `${request.method} is not carried`);
      }
      const route = routeOf(url, request.insecure);
      if (route === undefined) return { ok: false, failure: addressRefused(url.origin) };
      const collector = new ResponseCollector(request, url.origin, signal);
      try {
        route.agent.dispatch(
          {
            origin: route.origin,
            path: pathOf(request.url, url),
            method: request.method,
            headers: headersOf(request, url.host),
            body: request.body.length > 0 ? request.body : null,
            headersTimeout: request.readMs,
            bodyTimeout: request.readMs,
          },
          collector,
        );
      } catch (error) {
        return { ok: false, failure: toHttpFailure(error, url.origin) };
      }
      return await collector.outcome;
    },
    async close() {
      await Promise.all(Object.values(agents).map((agent) => agent.destroy()));
    },
  };
}

/** They make a tunnel, or show what the path adds: neither is a handler's business. */
const forbiddenMethods: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

function failed(code: HttpFailure['code'], message: string): HttpOutcome {
  return { ok: false, failure: { code, message } };
}

function isBelow({ href }: URL, asked: string): boolean {
  return href.startsWith(asked) && ['', '/', '?', '#'].includes(href.charAt(asked.length));
}

/**
 * Path and query as they were written: a signature may stand on them. But only where they are plainly those of the URL
 * that was checked: `https:/host/v1//x/admin` and `/admin/../v1` are below `/v1` for us and maybe not for the other side.
 */
function pathOf(written: string, { origin, pathname, search }: URL): string {
  const [beforeFragment = ''] = written.split('#');
  const rest = beforeFragment.slice(beforeFragment.indexOf('//') + 2);
  const start = rest.search(/[/?]/);
  const asWritten = start === -1 ? '/' : rest[start] === '?' ? `/${rest.slice(start)}` : rest.slice(start);
  const understood = URL.parse(origin + asWritten);
  const same = understood?.pathname === pathname && understood.search === search;
  return same && depth(asWritten) === depth(pathname) ? asWritten : pathname + search;
}

function depth(path: string): number {
  return path.replace(/\?.*$/su, '').split('/').length;
}

/** Also where the origin is led elsewhere, the other side sees the host that was asked for. */
function headersOf({ headers }: HttpRequest, host: string): string[] {
  const own = headers.filter(([name]) => !connectionHeaders.has(name.toLowerCase()));
  const named = own.some(([name]) => name.toLowerCase() === 'host');
  return [...(named ? [] : [['host', host] as const]), ...own].flat();
}
