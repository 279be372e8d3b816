import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { isOpen, type Network } from './addresses.ts';

/** The name leads only to addresses that handlers may not reach. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly code = 'ADDRESS_REFUSED';
}

/**
 * Name resolution that answers only addresses handlers may reach: the address that was checked is the one that is
 * connected to, so that a name cannot lead elsewhere a moment later.
 */
export function createCheckedLookup(opened: readonly Network[]): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        callback(error, []);
        return;
      }
      const open: LookupAddress[] = found.filter(({ address }) => isOpen(address, opened));
      const [first] = open;
      if (first === undefined) callback(new AddressRefused(hostname), []);
      else if (options.all === true) callback(null, open);
      else callback(null, first.address, first.family);
    });
  };
}
