import type { HttpRequest } from './gateway.ts';

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
 * Path and query as they were written: a signature may stand on them. But only where they are plainly those of the URL
 * that was checked: `https:/host/v1//x/admin` and `/admin/../v1` are below `/v1` for us and maybe not for the other side.
 */
export function pathOf(written: string, { origin, pathname, search }: URL): string {
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
export function headersOf({ headers }: HttpRequest, host: string): string[] {
  const own = headers.filter(([name]) => !connectionHeaders.has(name.toLowerCase()));
  const named = own.some(([name]) => name.toLowerCase() === 'host');
  return [...(named ? [] : [['host', host] as const]), ...own].flat();
}

/** Hosts that a request names by headers of its own; null where one is no host. */
export function hostHeadersOf({ headers }: HttpRequest, protocol: string): URL[] | null {
  const named = headers.filter(([name]) => name.toLowerCase() === 'host');
  const urls = named.map(([, value]) => (/[/?#@\\]/u.test(value) ? null : URL.parse(`${protocol}//${value}/`)));
  return urls.every((url) => url !== null) ? urls : null;
}
