import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address and how many of its first bits count. */
export type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** `10.1.0.0/16`, `fd00::/8`, or one address. Throws Error where the text is neither. */
export function parseNetwork(text: string): Network {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether a host name is an address itself, which no lookup sees: `127.0.0.1`, `[::1]`. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? undefined : bare;
}

/** An IPv4 address inside an IPv6 one counts as what it is. False for what is no address. */
export function isWithin(address: string, networks: readonly Network[]): boolean {
  const parsed = parse(address);
  if (parsed === undefined) return false;
  return networks.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits));
}

/** All that IPv6 routes; what lies outside embeds other addresses or is nobody's. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** Look public, and are answered by the machine's own cloud: Azure's. */
const cloudServices: ReadonlySet<string> = new Set(['168.63.129.16']);

/** An address of the internet: not private, local, multicast, reserved, made to carry another one, or a cloud's own. */
export function isPublic(address: string): boolean {
  const parsed = parse(address);
  if (parsed?.range() !== 'unicast' || cloudServices.has(parsed.toString())) return false;
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast);
}

function parse(address: string): ReturnType<typeof ipaddr.process> | undefined {
  // The library also reads what is short, octal or hexadecimal, and takes `::8.8.8.8` for a mapped address.
  const family = isIP(address);
  if (family === 0) return undefined;
  return ipaddr.process(family === 4 ? address : inHexadecimal(address));
}

/** As `URL` writes an IPv6 address; without the interface that a link-local one may name. */
function inHexadecimal(address: string): string {
  return new URL(`http://[${address.replace(/%.*$/u, '')}]/`).hostname.slice(1, -1);
}
