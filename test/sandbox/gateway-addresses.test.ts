import { execFileSync } from 'node:child_process';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAddressCheck } from '../../src/sandbox/http-gateway/address-check.ts';
import { isPublic, parseNetwork } from '../../src/sandbox/http-gateway/addresses.ts';
import { createHttpGateway, type HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { OwnAddresses } from '../../src/sandbox/http-gateway/own-addresses.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { seededRandom } from '../setup/seeded-random.ts';
import { refused, requestOf, send } from './sending.ts';

/** Listens on every address of this machine: whatever leads to it is seen. */
let server: RawServer;
let closed: HttpGateway;
let open: HttpGateway;

beforeAll(async () => {
  server = await startRawServer((socket) => socket.write(httpAnswer('inside')), { host: '::' });
  closed = createHttpGateway({ openNetworks: [], origins: new Map() });
  open = createHttpGateway({ openNetworks: ['127.0.0.0/8', '::1', '0.0.0.0', '::'], origins: new Map() });
});
afterAll(async () => {
  await Promise.all([closed.close(), open.close(), server.close()]);
});
beforeEach(() => {
  server.forget();
});

const at = (host: string) => `http://${host}:${String(server.port)}/`;

/** Spellings of this machine that lead here where nobody checks. */
const spellings: readonly [what: string, host: string][] = [
  ['loopback', '127.0.0.1'],
  ['the end of loopback', '127.255.255.254'],
  ['decimal', '2130706433'],
  ['octal', '0177.0.0.1'],
  ['octal in one number', '017700000001'],
  ['hexadecimal', '0x7f.1'],
  ['hexadecimal in one number', '0x7F000001'],
  ['hexadecimal in four', '0x7f.0x0.0x0.0x1'],
  ['mixed', '0x7f.0.01'],
  ['short', '127.1'],
  ['short in three', '127.0.1'],
  ['a dot at its end', '127.0.0.1.'],
  ['full-width digits', '１２７.０.０.１'],
  ['ideographic dots', '127。0。0。1'],
  ['circled digits', '①②⑦.⓪.⓪.①'],
  ['percent-encoded', '%31%32%37.%30.%30.%31'],
  ['percent-encoded dots', '127%2e0%2e0%2e1'],
  ['a soft hyphen', '127.0.0.\u00ad1'],
  ['credentials', 'user:password@127.0.0.1'],
  ['credentials that look like a host', 'example.com@127.0.0.1'],
  ['credentials that look like a host with a port', 'example.com:80@127.0.0.1'],
  ['credentials with an encoded sign', 'example.com%40x@127.0.0.1'],
  ['nothing', '0.0.0.0'],
  ['nothing, short', '0'],
  ['loopback in IPv6', '[::1]'],
  ['loopback in IPv6, written out', '[0:0:0:0:0:0:0:1]'],
  ['nothing in IPv6', '[::]'],
  ['mapped', '[::ffff:127.0.0.1]'],
  ['mapped, in hexadecimal', '[::ffff:7f00:1]'],
  ['mapped, upper case, written out', '[0:0:0:0:0:FFFF:7F00:0001]'],
  ['its name', 'localhost'],
  ['its name in upper case', 'LOCALHOST'],
  ['its name, full-width', 'ｌｏｃａｌｈｏｓｔ'],
  ['its name, percent-encoded', '%6cocalhost'],
];

describe('this machine', () => {
  it.each(spellings)('is not reached by %s: %s', async (_what, host) => {
    const outcome = await send(closed, at(host));
    expect(outcome).toMatchObject(refused);
    expect(outcome).toHaveProperty('failure.message', expect.stringContaining('AFTERWORD_EGRESS_PRIVATE'));
    expect(server.connections).toEqual([]);
  });

  it.each(spellings)('is reached by %s where the operator opened it: %s', async (_what, host) => {
    expect(await send(open, at(host))).toMatchObject({ ok: true, response: { status: 200 } });
  });

  it.each([
    'http:/127.0.0.1:PORT/',
    'http:127.0.0.1:PORT',
    'http:\\\\127.0.0.1:PORT\\',
    'HTTP://127.0.0.1:PORT',
    ' http://127.0.0.1:PORT/',
    'ht\ntp://127.0.0.1:PORT/',
  ])('is not reached by a URL that is written otherwise: %j', async (url) => {
    expect(await send(closed, url.replace('PORT', String(server.port)))).toMatchObject(refused);
    expect(server.connections).toEqual([]);
  });

  it('is not reached by any address of its own', async () => {
    const own = Object.values(networkInterfaces()).flatMap((of = []) => of);
    expect(own.length).toBeGreaterThan(0);
    for (const { address } of own) {
      const bare = address.replace(/%.*/u, '');
      expect(await send(closed, at(isIPv6(bare) ? `[${bare}]` : bare)), address).toMatchObject(refused);
    }
    expect(server.connections).toEqual([]);
  });
});

/** Some spelling of an IPv4 address, as `URL` reads them: mixed radixes, merged parts, other digits and dots, escapes. */
function someSpelling(octets: readonly number[], random: () => number): string {
  const one = <T>(first: T, ...others: T[]): T =>
    [first, ...others][Math.floor(random() * (1 + others.length))] ?? first;
  const parts = 1 + Math.floor(random() * 4);
  const merged = octets.slice(parts - 1).reduce((value, octet) => value * 256 + octet, 0);
  const numbers = [...octets.slice(0, parts - 1), merged].map((number) =>
    one(
      String,
      (n: number) => `0x${n.toString(16)}`,
      (n: number) => `0X00${n.toString(16).toUpperCase()}`,
      (n: number) => `0${n.toString(8)}`,
    )(number),
  );
  const dotted = numbers.join('.') + one('', '', '.');
  const characters = [...dotted].map((character) => {
    const kind = random();
    if (kind < 0.7) return character;
    if (kind < 0.8) return `%${character.charCodeAt(0).toString(16)}`;
    if (character === '.') return one('\u3002', '\uff0e', '\uff61');
    return String.fromCharCode(character.charCodeAt(0) + 0xfee0);
  });
  return one('', '', 'user@', 'example.com:443@', 'a:b%40example.com@') + characters.join('');
}

describe('thousands of spellings', () => {
  const random = seededRandom(4711);
  const hosts = Array.from({ length: 3_000 }, (_, n) =>
    someSpelling(n % 2 === 0 ? [127, 0, 0, 1] : [127, 1, 2, 3], random),
  );

  it('of this machine do not reach it', async () => {
    for (const host of hosts) {
      expect(await closed.send(requestOf(at(host)), new AbortController().signal), host).toMatchObject(refused);
    }
    expect(server.connections).toEqual([]);
  });

  it('reach it where it is opened: they are spellings', async () => {
    for (const host of hosts.slice(0, 100)) expect(await send(open, at(host)), host).toMatchObject({ ok: true });
  });
});

describe('addresses of a machine', () => {
  it('are its own in every spelling, also public ones, and are read again as they change', () => {
    let now = 0;
    let addresses = ['93.184.215.14', '2606:2800:21f:cb07::1', 'fe80::1%eth0'];
    let reads = 0;
    const own = new OwnAddresses(
      () => {
        reads += 1;
        return addresses;
      },
      () => now,
    );
    for (const address of [
      '93.184.215.14',
      '::ffff:93.184.215.14',
      '2606:2800:21F:CB07:0::1',
      'fe80::1',
      'fe80::1%2',
    ]) {
      expect(own.has(address), address).toBe(true);
    }
    expect(own.has('93.184.215.15')).toBe(false);
    expect(reads).toBe(1);
    addresses = ['93.184.215.15'];
    now = 999;
    expect(own.has('93.184.215.15')).toBe(false);
    now = 1_000;
    expect(own.has('93.184.215.15')).toBe(true);
    expect(own.has('93.184.215.14')).toBe(false);
    expect(reads).toBe(2);
  });
});

describe('what may be reached', () => {
  const own = new OwnAddresses(() => ['93.184.215.14', '2606:2800:21f:cb07::1']);

  it.each(['93.184.215.14', '::ffff:93.184.215.14', '2606:2800:21f:cb07::1'])(
    'is not the machine itself by its public address, unless that is opened: %s',
    (address) => {
      expect(createAddressCheck([], own)(address)).toBe(false);
      const opened = ['93.184.215.14', '2606:2800::/32'].map(parseNetwork);
      expect(createAddressCheck(opened, own)(address)).toBe(true);
    },
  );

  it('is all else that is public', () => {
    expect(createAddressCheck([], own)('93.184.215.15')).toBe(true);
  });
});

/** The registries of IANA for special purposes, and what else is not the internet's. Written down apart from the code. */
const special: readonly [what: string, ...networks: string[]][] = [
  ['this network', '0.0.0.0/8'],
  ['private', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['carriers’ own', '100.64.0.0/10'],
  ['loopback', '127.0.0.0/8', '::1/128'],
  ['link-local', '169.254.0.0/16', 'fe80::/10'],
  ['protocol assignments', '192.0.0.0/24', '2001::/23'],
  ['documentation', '192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'],
  ['relays of 6to4', '192.88.99.0/24'],
  ['benchmarks', '198.18.0.0/15', '2001:2::/48'],
  ['AS112 and AMT', '192.31.196.0/24', '192.52.193.0/24', '192.175.48.0/24', '2620:4f:8000::/48'],
  ['multicast', '224.0.0.0/4', 'ff00::/8'],
  ['reserved', '240.0.0.0/4'],
  ['broadcast', '255.255.255.255/32'],
  ['nothing', '::/128'],
  ['IPv4 in IPv6', '::/96', '::ffff:0:0:0/96'],
  ['NAT64', '64:ff9b::/96', '64:ff9b:1::/48'],
  ['discarded', '100::/64', '100:0:0:1::/64'],
  ['6to4', '2002::/16'],
  ['Teredo', '2001::/32'],
  ['segment routing', '5f00::/16'],
  ['unique local', 'fc00::/7'],
  ['site-local of old', 'fec0::/10'],
  ['not assigned', '::/3', '4000::/2', '8000::/1'],
];
const clouds = ['169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '168.63.129.16', '100.100.100.200', '192.0.0.192'];

/** Another implementation than the gateway's. Apart, since it takes IPv4 addresses for mapped ones. */
const specialLists = { ipv4: new BlockList(), ipv6: new BlockList() };
const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');
for (const [, ...networks] of special) {
  for (const network of networks) {
    const [address = '', bits = ''] = network.split('/');
    specialLists[familyOf(address)].addSubnet(address, Number(bits), familyOf(address));
  }
}
for (const address of clouds) specialLists[familyOf(address)].addAddress(address, familyOf(address));

/** A mapped one is what it maps. */
function isSpecial(address: string): boolean {
  const mapped = /^0:0:0:0:0:ffff:(?<high>[\da-f]+):(?<low>[\da-f]+)$/u.exec(address)?.groups;
  if (mapped === undefined) return specialLists[familyOf(address)].check(address, familyOf(address));
  return isSpecial(ipv4Of((BigInt(`0x${mapped.high ?? ''}`) << 16n) | BigInt(`0x${mapped.low ?? ''}`)));
}

const bytesOf = (address: string) => BigInt(`0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')}`);
const ipv4Of = (value: bigint) =>
  ipaddr.fromByteArray([...Buffer.from(value.toString(16).padStart(8, '0'), 'hex')]).toString();
const ipv6Of = (value: bigint) =>
  ipaddr.fromByteArray([...Buffer.from(value.toString(16).padStart(32, '0'), 'hex')]).toNormalizedString();

/** The first and last address of a network, and those just outside of it. */
function edgesOf(network: string): string[] {
  const [address = '', bits = ''] = network.split('/');
  const width = isIPv6(address) ? 128n : 32n;
  const first = bytesOf(address);
  const last = first + (1n << (width - BigInt(bits))) - 1n;
  return [first - 1n, first, last, last + 1n]
    .filter((value) => value >= 0n && value < 1n << width)
    .map(width === 128n ? ipv6Of : ipv4Of);
}

/** Any address, mostly of the blocks where something is. */
function* someAddresses(count: number): Generator<string> {
  const random = seededRandom(20_260_131);
  const below = (most: number) => Math.floor(random() * most);
  const starts = special.flatMap(([, ...networks]) => networks).map((network) => network.split('/')[0] ?? '');
  for (let n = 0; n < count; n += 1) {
    const near = starts[below(starts.length)] ?? '';
    const width = n % 2 === 0 ? 32 : 128;
    const bits = BigInt(`0x${Array.from({ length: width / 4 }, () => below(16).toString(16)).join('')}`);
    if (isIPv6(near) !== (width === 128) || n % 3 === 0) yield width === 128 ? ipv6Of(bits) : ipv4Of(bits);
    else {
      const kept = BigInt(below(width));
      const mask = (1n << (BigInt(width) - kept)) - 1n;
      const value = (bytesOf(near) & ~mask) | (bits & mask);
      yield width === 128 ? ipv6Of(value) : ipv4Of(value);
    }
  }
}

/** IPv6 addresses that carry this IPv4 one. */
function carriersOf(address: string): string[] {
  const [high, low] = [bytesOf(address) >> 16n, bytesOf(address) & 0xffffn].map((half) => half.toString(16));
  const inverted = (bytesOf(address) ^ 0xffffffffn).toString(16).padStart(8, '0');
  return [
    `::ffff:${address}`,
    `::${address}`,
    `::ffff:0:${address}`,
    `64:ff9b::${address}`,
    `64:ff9b:1::${address}`,
    `2002:${String(high)}:${String(low)}::1`,
    `2001:0:4136:e378:8000:63bf:${inverted.slice(0, 4)}:${inverted.slice(4)}`,
  ];
}

describe('an address', () => {
  it.each(special)('that is %s is not public', (_what, ...networks) => {
    for (const network of networks) {
      for (const address of edgesOf(network)) expect(isPublic(address), address).toBe(!isSpecial(address));
    }
  });

  it.each(clouds)('of the cloud’s own services is not public: %s', async (address) => {
    expect(await send(closed, `http://${isIP(address) === 6 ? `[${address}]` : address}/`)).toMatchObject(refused);
  });

  it.each(['10.0.0.1', '127.0.0.1', '169.254.169.254', '168.63.129.16', '100.100.100.200', '224.0.0.1'])(
    'inside of another one is not public: %s',
    async (address) => {
      for (const carrier of carriersOf(address)) {
        expect(isPublic(carrier), carrier).toBe(false);
        expect(await send(closed, `http://[${carrier}]/`), carrier).toMatchObject(refused);
      }
    },
  );

  it('that is public inside of another one is public only as itself', () => {
    const [mapped, ...others] = carriersOf('93.184.215.14');
    expect(isPublic(mapped ?? '')).toBe(true);
    for (const other of others) expect(isPublic(other), other).toBe(false);
  });

  it.each(['93.184.215.14', '1.1.1.1', '8.8.8.8', '172.15.255.255', '172.32.0.0', '2606:2800:21f:cb07::1', '2a00::1'])(
    'of the internet is public: %s',
    (address) => {
      expect(isPublic(address)).toBe(true);
    },
  );

  it.each(['', 'example.com', '1.2.3', '::1::', '127.0.0.1 ', '300.1.1.1'])(
    'that is none is not public: %j',
    (text) => {
      expect(isPublic(text)).toBe(false);
    },
  );

  it('is public where the registries say so, for 100,000 by chance', () => {
    const wrong = [...someAddresses(100_000)].filter((address) => isPublic(address) === isSpecial(address));
    expect(wrong.slice(0, 5)).toEqual([]);
  });

  it('is public only where Python’s `ipaddress` takes it for global', () => {
    const addresses = [...someAddresses(20_000)].filter((address) => isPublic(address));
    const program =
      'import ipaddress, sys\n' +
      'for line in sys.stdin:\n' +
      '    a = ipaddress.ip_address(line.strip())\n' +
      '    if not a.is_global or a.is_multicast: print(a)';
    const python = process.env.AFTERWORD_PYTHON ?? 'python3';
    const wrong = execFileSync(python, ['-c', program], { input: addresses.join('\n'), encoding: 'utf8' });
    expect(addresses.length).toBeGreaterThan(4_000);
    expect(wrong).toBe('');
  });
});
