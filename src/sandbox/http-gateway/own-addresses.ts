import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Reading them takes 0.1 ms; they change when a network comes or goes. */
const goodForMs = 1_000;

function addressesOfInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address));
}

/** The addresses of this machine: what listens on a public one of them may trust whoever comes from here. */
export class OwnAddresses {
  readonly #read: () => readonly string[];
  readonly #nowMs: () => number;
  #known: ReadonlySet<string> = new Set();
  #readAtMs = -Infinity;

  constructor(read: () => readonly string[] = addressesOfInterfaces, nowMs: () => number = () => performance.now()) {
    this.#read = read;
    this.#nowMs = nowMs;
  }

  has(address: string): boolean {
    const now = this.#nowMs();
    if (now - this.#readAtMs >= goodForMs) {
      this.#known = new Set(this.#read().map(comparable));
      this.#readAtMs = now;
    }
    return this.#known.has(comparable(address));
  }
}

/** One spelling for each; a link-local one's interface does not make it another address. */
function comparable(address: string): string {
  return ipaddr.process(address.replace(/%.*$/u, '')).toString();
}
