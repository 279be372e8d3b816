// `fetch` for a process without a network: the host sends each request. Redirects are followed here, each hop a request
// of its own, so that the host checks and records it.

/** @import { HostResponse } from './deno.d.ts' */

/** @typedef {import('./host.js').Host} Host */

const mostRedirects = 20;
const redirects = new Set([301, 302, 303, 307, 308]);
const withoutBody = new Set([204, 205, 304]);
/** @type {ReadonlyMap<string, 'gzip' | 'deflate'>} */
const codings = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
]);

/**
 * @param {Host} host
 * @param {{ requestBytes: number }} limits
 */
export function makeFetch(host, { requestBytes }) {
  return fetch;

  /**
   * @param {string | URL | Request} input
   * @param {RequestInit} [init]
   */
  async function fetch(input, init) {
    const request = new Request(input, init);
    const end = host.begin();
    try {
      return await unlessAborted(request.signal, follow(request));
    } finally {
      end();
    }
  }

  /** @param {Request} request */
  async function follow(request) {
    let { url, method } = request;
    const headers = new Headers(request.headers);
    if (!headers.has('accept')) headers.set('accept', '*/*');
    if (!headers.has('accept-encoding')) headers.set('accept-encoding', 'gzip, deflate');
    let body = new Uint8Array(await request.arrayBuffer());
    if (body.length > requestBytes) {
      throw new TypeError(`fetch: the request body has ${body.length} bytes, more than the ${requestBytes} allowed.`);
    }
    for (let hops = 0; ; hops += 1) {
      const answer = await send(method, url, headers, body, request.signal);
      const location = redirects.has(answer.status) ? valueOf(answer.headers, 'location') : undefined;
      if (location === undefined || request.redirect === 'manual') return responseOf(answer, url, hops > 0);
      if (request.redirect === 'error') throw new TypeError(`fetch: ${url} redirects, which the request forbids.`);
      if (hops === mostRedirects)
        throw new TypeError(`fetch: more than ${mostRedirects} redirects, the last to ${url}.`);
      const next = new URL(location, url);
      if (next.origin !== new URL(url).origin) {
        for (const name of ['authorization', 'cookie', 'proxy-authorization']) headers.delete(name);
      }
      if ((answer.status === 303 && method !== 'HEAD') || (answer.status < 303 && method === 'POST')) {
        method = 'GET';
        body = new Uint8Array(0);
        for (const name of ['content-type', 'content-length', 'content-encoding']) headers.delete(name);
      }
      url = next.href;
    }
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {Headers} headers
   * @param {Uint8Array} body
   * @param {AbortSignal} signal
   * @returns {Promise<HostResponse>}
   */
  async function send(method, url, headers, body, signal) {
    if (!/^https?:/.test(url)) throw new TypeError(`fetch: only http: and https: URLs can be requested, not ${url}`);
    const message = {
      method,
      url: url.replace(/#.*$/s, ''),
      headers: [...headers],
      body: base64Of(body),
      connect: null,
      read: null,
      insecure: false,
    };
    const { v, err } = await host.ask('fetch', JSON.stringify(message).slice(1, -1), () => signal.aborted);
    if (err) throw Object.assign(new TypeError(`fetch failed: ${err.message}`), { code: err.code });
    return /** @type {HostResponse} */ (v);
  }
}

/**
 * @template T
 * @param {AbortSignal} signal
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
function unlessAborted(signal, promise) {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * @param {HostResponse} answer
 * @param {string} url
 * @param {boolean} redirected
 */
function responseOf(answer, url, redirected) {
  const headers = new Headers(answer.headers);
  const init = { status: answer.status, statusText: answer.reason, headers };
  const response = new Response(withoutBody.has(answer.status) ? null : bodyOf(answer), init);
  for (const [name, value] of Object.entries({ url, redirected, type: 'basic' })) {
    Object.defineProperty(response, name, { value });
  }
  return response;
}

/** @param {HostResponse} answer */
function bodyOf(answer) {
  const bytes = Uint8Array.from(atob(answer.body), (character) => character.charCodeAt(0));
  const coding = codings.get(valueOf(answer.headers, 'content-encoding')?.toLowerCase() ?? '');
  if (coding === undefined || bytes.length === 0) return bytes;
  return new Blob([bytes]).stream().pipeThrough(new DecompressionStream(coding));
}

/**
 * @param {[string, string][]} headers
 * @param {string} wanted
 */
function valueOf(headers, wanted) {
  return headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
}

/** @param {Uint8Array} bytes */
function base64Of(bytes) {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}
