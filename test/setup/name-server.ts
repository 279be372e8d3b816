import { createSocket, type RemoteInfo } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { Resolver } from 'node:dns/promises';
import ipaddr from 'ipaddr.js';
import type { ResolveName } from '../../src/sandbox/http-gateway/checked-lookup.ts';

const typeA = 1;
const typeAaaa = 28;
const headerBytes = 12;

export interface NameServer {
  /** What each lookup of the name answers, one after the other; the last again and again. */
  set(name: string, ...answers: readonly (readonly string[])[]): void;
  /** How often the name was looked up. */
  lookups(name: string): number;
  /** Asks this server and no other. */
  readonly resolve: ResolveName;
  close(): Promise<void>;
}

/** A name server on this machine that speaks DNS over UDP. Names that were not set do not exist. */
export async function startNameServer(): Promise<NameServer> {
  const names = new Map<string, { answers: readonly (readonly string[])[]; lookups: number }>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    answer(query, from);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 2_000, tries: 2 });
  resolver.setServers([`127.0.0.1:${String(socket.address().port)}`]);

  /** An A query is a new lookup; the AAAA query that follows it belongs to it. */
  function answer(query: Buffer, from: RemoteInfo): void {
    const { name, type, questionEnd } = questionIn(query);
    const known = names.get(name);
    if (known !== undefined && type === typeA) known.lookups += 1;
    const step = known?.answers[Math.min(known.lookups, known.answers.length) - 1] ?? [];
    const bytes = step
      .map((address) => Buffer.from(ipaddr.parse(address).toByteArray()))
      .filter(({ length }) => length === (type === typeAaaa ? 16 : 4));
    const header = Buffer.from(query.subarray(0, headerBytes));
    header.writeUInt16BE(known === undefined ? 0x8583 : 0x8580, 2); // an answer with authority; NXDOMAIN
    header.writeUInt16BE(bytes.length, 6);
    header.fill(0, 8, headerBytes);
    const records = bytes.map((data) => Buffer.concat([recordHead(type, data.length), data]));
    socket.send(Buffer.concat([header, query.subarray(headerBytes, questionEnd), ...records]), from.port, from.address);
  }

  async function lookUp(hostname: string): Promise<LookupAddress[]> {
    const found = await resolver.resolve4(hostname).catch(noData);
    const more = await resolver.resolve6(hostname).catch(noData);
    return [...found.map((address) => ({ address, family: 4 })), ...more.map((address) => ({ address, family: 6 }))];
  }

  return {
    set: (name, ...answers) => void names.set(name, { answers, lookups: 0 }),
    lookups: (name) => names.get(name)?.lookups ?? 0,
    resolve: (hostname, callback) => {
      lookUp(hostname).then(
        (found) => callback(null, found),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), []),
      );
    },
    close: () =>
      new Promise((resolve) => {
        socket.close(() => resolve());
      }),
  };
}

function questionIn(query: Buffer): { name: string; type: number; questionEnd: number } {
  const labels: string[] = [];
  let at = headerBytes;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), questionEnd: at + 5 };
}

/** Name: that of the question. Class: internet. It may be kept for no time. */
function recordHead(type: number, length: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 + headerBytes, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(length, 10);
  return head;
}

function noData(error: unknown): string[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENODATA') return [];
  throw error;
}
