import { comparableHost, parseEgressPattern, type EgressPattern } from '../../domain/egress-pattern.ts';
import { isWithin, literalAddress, parseNetwork, type Network } from './addresses.ts';

/** Rules of one who may restrict requests; patterns as `contract/egress.ts` describes them. */
export interface EgressList {
  readonly whose: 'organisation' | 'handler';
  readonly rules: { readonly allow?: readonly string[] | undefined; readonly deny?: readonly string[] | undefined };
}

/** Which list refuses, and of a deny-list the pattern. */
export interface EgressRefusal {
  readonly whose: EgressList['whose'];
  readonly list: 'allow' | 'deny';
  readonly pattern: string | null;
}

/** A host that a request names, by its URL or by a `Host` header. */
export interface NamedHost {
  /** As `URL` answers it. */
  readonly hostname: string;
  readonly port: number;
}

interface NetworkPattern {
  readonly text: string;
  readonly network: Network;
}

/** What is still to be asked of the addresses that a name leads to. */
interface Condition {
  readonly whose: EgressList['whose'];
  readonly list: 'allow' | 'deny';
  readonly networks: readonly NetworkPattern[];
}

/** What the addresses of a host have to satisfy, because rules name networks. */
export class AddressConditions {
  readonly #conditions: readonly Condition[];
  /** The same for the same conditions; empty where there are none. */
  readonly key: string;

  constructor(conditions: readonly Condition[]) {
    this.#conditions = conditions;
    this.key = conditions
      .map(({ whose, list, networks }) => `${whose} ${list} ${networks.map(({ text }) => text).join(' ')}`)
      .join('\n');
  }

  /** No address may be denied, and each must be allowed by every list that allows. */
  refusalOf(addresses: readonly string[]): EgressRefusal | undefined {
    for (const { whose, list, networks } of this.#conditions) {
      const matches = (pattern: NetworkPattern, address: string) => isWithin(address, [pattern.network]);
      if (list === 'deny') {
        const denied = networks.find((pattern) => addresses.some((address) => matches(pattern, address)));
        if (denied !== undefined) return { whose, list, pattern: denied.text };
      } else {
        const allowed = addresses.every((address) => networks.some((pattern) => matches(pattern, address)));
        if (!allowed || addresses.length === 0) return { whose, list, pattern: null };
      }
    }
    return undefined;
  }
}

export const noConditions = new AddressConditions([]);

interface List {
  readonly whose: EgressList['whose'];
  readonly allow: readonly EgressPattern[] | undefined;
  readonly deny: readonly EgressPattern[];
}

/** Lists that all have to agree: what one denies is denied, what one does not allow is not allowed. */
export class EgressPolicy {
  readonly #lists: readonly List[];

  constructor(lists: readonly EgressList[]) {
    this.#lists = lists.map(({ whose, rules: { allow, deny = [] } }) => ({
      whose,
      allow: allow?.map(toPattern),
      deny: deny.map(toPattern),
    }));
  }

  /** Nothing is restricted. */
  get isEmpty(): boolean {
    return this.#lists.every(({ allow, deny }) => allow === undefined && deny.length === 0);
  }

  /** Judges by name as far as that goes: a name that is refused is not even looked up. */
  judge(hosts: readonly NamedHost[]): EgressRefusal | AddressConditions {
    const conditions: Condition[] = [];
    for (const host of hosts) {
      for (const list of this.#lists) {
        const judged = judgeByName(list, host);
        if ('pattern' in judged) return judged;
        conditions.push(...judged.conditions);
      }
    }
    return conditions.length === 0 ? noConditions : new AddressConditions(conditions);
  }
}

function toPattern(text: string): EgressPattern {
  const parsed = parseEgressPattern(text);
  if ('fault' in parsed) throw new Error(`the rule "${text}" ${parsed.fault}`);
  return parsed;
}

function judgeByName(
  { whose, allow, deny }: List,
  { hostname, port }: NamedHost,
): EgressRefusal | { readonly conditions: readonly Condition[] } {
  const host = comparableHost(hostname);
  const isName = literalAddress(hostname) === undefined;
  const ofPort = (patterns: readonly EgressPattern[]) =>
    patterns.filter((pattern) => pattern.port === null || pattern.port === port);
  const conditions: Condition[] = [];

  const denying = ofPort(deny);
  const denied = isName ? denying.find((pattern) => namesHost(pattern, host)) : undefined;
  if (denied !== undefined) return { whose, list: 'deny', pattern: denied.text };
  const deniedNetworks = networksOf(denying);
  if (deniedNetworks.length > 0) conditions.push({ whose, list: 'deny', networks: deniedNetworks });

  if (allow === undefined) return { conditions };
  const allowing = ofPort(allow);
  if (isName && allowing.some((pattern) => namesHost(pattern, host))) return { conditions };
  const allowedNetworks = networksOf(allowing);
  if (allowedNetworks.length === 0) return { whose, list: 'allow', pattern: null };
  return { conditions: [...conditions, { whose, list: 'allow', networks: allowedNetworks }] };
}

function namesHost(pattern: EgressPattern, host: string): boolean {
  if (pattern.kind === 'network') return false;
  return pattern.kind === 'name' ? host === pattern.name : host.endsWith(`.${pattern.name}`);
}

function networksOf(patterns: readonly EgressPattern[]): NetworkPattern[] {
  return patterns.flatMap((pattern) =>
    pattern.kind === 'network'
      ? [{ text: pattern.text, network: parseNetwork(`${pattern.address}/${String(pattern.bits)}`) }]
      : [],
  );
}
