import { isIP } from 'node:net';

/** One entry of an allow-list or deny-list, taken apart. */
export type EgressPattern = {
  /** As it was written. */
  readonly text: string;
  /** Null: any. */
  readonly port: number | null;
} & (
  | { readonly kind: 'name'; /** In lower case and ASCII, without a dot at its end. */ readonly name: string }
  /** All names below this one, at any depth, and not itself. */
  | { readonly kind: 'below'; readonly name: string }
  | { readonly kind: 'network'; readonly address: string; readonly bits: number }
);

/** Why a text is no pattern: for whoever wrote it. */
export interface PatternFault {
  readonly fault: string;
}

const expected = 'expected a host such as api.example.com or *.example.com, or a network such as 203.0.113.0/24';
const addressBits = { 4: 32, 6: 128 } as const;

/**
 * `api.example.com`, `*.example.com`, `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`, each also with a port:
 * `api.example.com:8443`, `[2001:db8::/32]:443`.
 */
export function parseEgressPattern(text: string): EgressPattern | PatternFault {
  if (text.includes('://')) return { fault: 'is a URL: name its host alone, such as api.example.com' };
  const { host, portText } = splitPort(text);
  if (portText !== undefined && !isPort(portText)) return { fault: 'has no port from 1 to 65535 behind its colon' };
  const common = { text, port: portText === undefined ? null : Number(portText) };
  const [address = '', bitsText] = host.split('/', 2);
  const family = isIP(address);
  if (family === 4 || family === 6) {
    const fault = networkFault(host, address, addressBits[family]);
    if (fault !== undefined) return { fault };
    return { ...common, kind: 'network', address, bits: Number(bitsText ?? addressBits[family]) };
  }
  const below = host.startsWith('*.');
  const named = nameOf(below ? host.slice(2) : host);
  return typeof named === 'string' ? { ...common, kind: below ? 'below' : 'name', name: named } : named;
}

/** A host as patterns are compared with: without the dot that may stand at its end. Takes what `URL` answers. */
export function comparableHost(hostname: string): string {
  return hostname.replace(/\.+$/u, '');
}

function splitPort(text: string): { host: string; portText: string | undefined } {
  const bracketed = /^\[(?<host>[^\]]*)\](?::(?<port>.*))?$/u.exec(text)?.groups;
  if (bracketed !== undefined) return { host: bracketed.host ?? '', portText: bracketed.port };
  const [host = '', portText, ...more] = text.split(':');
  // More than one colon: an IPv6 address without a port.
  return more.length > 0 ? { host: text, portText: undefined } : { host, portText };
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/u.test(text) && Number(text) <= 65_535;
}

function networkFault(host: string, address: string, mostBits: number): string | undefined {
  if (address.includes('%')) return 'names an interface, which rules do not know';
  if (/^::ffff:/iu.test(URL.parse(`http://[${address}]`)?.hostname.slice(1) ?? '')) {
    return 'is an IPv4 address in IPv6: write it as IPv4';
  }
  const bits = host.slice(address.length);
  if (bits === '' || (/^\/\d{1,3}$/u.test(bits) && Number(bits.slice(1)) <= mostBits)) return undefined;
  return `has no number of bits from 0 to ${String(mostBits)} behind its slash`;
}

/** Read as the gateway reads a URL, so that both call a host by the same name. */
function nameOf(written: string): string | PatternFault {
  if (written === '' || /[\s/?#@\\:%*[\]]/u.test(written)) return { fault: expected };
  const url = URL.parse(`http://${written}/`);
  if (url === null) return { fault: expected };
  const name = comparableHost(url.hostname);
  if (isIP(name) !== 0) return { fault: `is the address ${name}: write it so` };
  const isName = name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/u.test(label));
  return isName ? name : { fault: expected };
}
