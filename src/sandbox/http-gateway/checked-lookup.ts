import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AddressCheck } from './address-check.ts';
import type { AddressConditions, EgressRefusal } from './egress-policy.ts';

/** The name leads to an address that handlers may not reach. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
  readonly code = 'ADDRESS_REFUSED';
}

/** The name leads to an address that a list refuses. */
export class EgressRefused extends Error {
  override readonly name = 'EgressRefused';
  readonly code = 'EGRESS_REFUSED';
  readonly refusal: EgressRefusal;

  constructor(hostname: string, refusal: EgressRefusal) {
    super(hostname);
    this.refusal = refusal;
  }
}

/** All addresses of a name. */
export type ResolveName = (
  hostname: string,
  callback: (error: NodeJS.ErrnoException | null, found: readonly LookupAddress[]) => void,
) => void;

/** As every program on this machine does: /etc/hosts, then the name servers. */
export const resolveBySystem: ResolveName = (hostname, callback) => {
  // With an error there is nothing else, whatever the types say.
  lookup(hostname, { all: true }, (error, found) => {
    callback(error, error === null ? found : []);
  });
};

/**
 * Name resolution that answers only where handlers may go: the address that was checked is the one that is connected
 * to, so that a name cannot lead elsewhere a moment later. One bad address among several refuses the name: it is a
 * trick, or a name of the inside.
 */
export function createCheckedLookup(
  resolve: ResolveName,
  mayReach: AddressCheck,
  conditions: AddressConditions,
): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, (error, found) => {
      const [first] = found;
      if (error !== null || first === undefined) {
        callback(error ?? Object.assign(new Error(`${hostname} has no address`), { code: 'ENOTFOUND' }), []);
        return;
      }
      const addresses = found.map(({ address }) => address);
      const refusal = conditions.refusalOf(addresses);
      if (!addresses.every(mayReach)) callback(new AddressRefused(hostname), []);
      else if (refusal !== undefined) callback(new EgressRefused(hostname, refusal), []);
      else if (options.all === true) callback(null, [...found]);
      else callback(null, first.address, first.family);
    });
  };
}
