import type { LookupAddress } from 'node:dns';
import { isIPv6 } from 'node:net';
import type { AddressCheck } from './address-check.ts';
import { literalAddress } from './addresses.ts';
import type { Connections } from './connections.ts';
import { addressRefused, toHttpFailure } from './http-failure.ts';
import type { Asker } from './lookup-queue.ts';

/** See `HttpGateway.locate`. */
export async function locate(
  { mayReach, connections }: { readonly mayReach: AddressCheck; readonly connections: Connections },
  hostname: string,
  signal: AbortSignal,
  organization: string,
): Promise<LookupAddress> {
  const address = literalAddress(hostname);
  if (address !== undefined) {
    if (!mayReach(address)) throw new Error(addressRefused(hostname).message);
    return { address, family: isIPv6(address) ? 6 : 4 };
  }
  const asker: Asker = {
    organization,
    get isWaiting() {
      return !signal.aborted;
    },
  };
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => {
    reject(new Error(`${hostname}: its name server did not answer in time`));
  };
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([connections.locate(hostname, asker), aborted]);
  } catch (error) {
    throw signal.aborted ? error : new Error(toHttpFailure(error, hostname).message, { cause: error });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
