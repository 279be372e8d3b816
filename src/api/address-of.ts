import { isIPv6 } from 'node:net';
import { z } from 'zod';
import type { ApiContext } from './problems.ts';

/** What the adapter to Node's server hands over. */
const Connection = z.object({ incoming: z.object({ socket: z.object({ remoteAddress: z.string() }) }) });

/** Who sent the request: an address, of IPv6 the network that one subscriber has. undefined without a connection. */
export function addressOf(c: ApiContext): string | undefined {
  const address = Connection.safeParse(c.env).data?.incoming.socket.remoteAddress;
  if (address === undefined || !isIPv6(address) || address.startsWith('::ffff:')) return address;
  return `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

function groupsOf(address: string): string[] {
  const [head = '', tail = ''] = address.split('::').map((half) => half.split('%')[0] ?? '');
  const [first, last] = [head, tail].map((half) => half.split(':').filter((group) => group !== ''));
  const given = [...(first ?? []), ...(last ?? [])].length;
  return [...(first ?? []), ...Array.from({ length: Math.max(0, 8 - given) }, () => '0'), ...(last ?? [])];
}
