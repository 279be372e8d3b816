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
  return ipaddr.isValid(bare) ? bare : undefined;
}

/** All that IPv6 routes; what lies outside embeds other addresses or is nobody's. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/** Looks public, and is answered by the machine's own cloud: Azure's. */
const cloudServices: ReadonlySet<string> = new Set(['168.63.129.16']);

/** Public, or in a network that the operator opened. An IPv4 address inside an IPv6 one counts as what it is. */
export function isOpen(address: string, opened: readonly Network[]): boolean {
  const parsed = ipaddr.process(address);
  const isPublic = parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || parsed.match(globalUnicast));
  if (isPublic && !cloudServices.has(parsed.toString())) return true;
  return opened.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits));
}
