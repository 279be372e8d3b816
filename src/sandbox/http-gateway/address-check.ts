import { isPublic, isWithin, type Network } from './addresses.ts';
import type { OwnAddresses } from './own-addresses.ts';

/** Whether handlers may reach an address at all, whatever rules there are. */
export type AddressCheck = (address: string) => boolean;

/** Public and not this machine's own, or in a network that the operator opened. */
export function createAddressCheck(opened: readonly Network[], own: OwnAddresses): AddressCheck {
  return (address) => isWithin(address, opened) || (isPublic(address) && !own.has(address));
}
