import { Agent } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpGateway, type HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { startNameServer, type NameServer } from '../setup/name-server.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { refused, requestOf, send } from './sending.ts';

/** Stands for the internet: an address of loopback that the operator opened. */
const outside = '127.0.0.2';
let names: NameServer;
let gateway: HttpGateway;
let server: RawServer;
/** The same port on an address that nobody may reach. */
let inside: RawServer;
let keepOpen = false;

beforeAll(async () => {
  names = await startNameServer();
  const answerOf = (text: string) => (socket: { write(text: string): unknown }) =>
    socket.write(httpAnswer(text, { close: !keepOpen }));
  server = await startRawServer(answerOf('outside'), { host: outside });
  inside = await startRawServer(answerOf('inside'), { host: '127.0.0.1', port: server.port });
  gateway = createHttpGateway({ openNetworks: [outside], origins: new Map(), resolve: names.resolve });
});
afterAll(async () => {
  await Promise.all([gateway.close(), server.close(), inside.close()]);
  await names.close();
});
beforeEach(() => {
  server.forget();
  inside.forget();
  keepOpen = false;
});

const at = (name: string) => `http://${name}:${String(server.port)}/`;

describe('a name', () => {
  it('is reached at its address', async () => {
    names.set('good.example', [outside]);
    expect(await send(gateway, at('good.example'))).toMatchObject({ ok: true, response: { status: 200 } });
    expect(server.asked[0]).toMatch(new RegExp(`^GET / HTTP/1.1\r\nhost: good.example:${String(server.port)}\r\n`));
  });

  it('that nobody has is told as such', async () => {
    expect(await send(gateway, at('nobody.example'))).toMatchObject({ failure: { code: 'http_name_unknown' } });
  });

  it('without an address is told as such', async () => {
    names.set('empty.example', []);
    expect(await send(gateway, at('empty.example'))).toMatchObject({ failure: { code: 'http_name_unknown' } });
  });

  it.each([
    ['private', '10.0.0.1'],
    ['loopback', '127.0.0.1'],
    ['loopback in IPv6', '::1'],
    ['nothing', '0.0.0.0'],
    ['nothing in IPv6', '::'],
    ['link-local', '169.254.1.1'],
    ['link-local in IPv6', 'fe80::1'],
    ['the metadata service', '169.254.169.254'],
    ['the metadata service in IPv6', 'fd00:ec2::254'],
    ['Azure’s', '168.63.129.16'],
    ['Alibaba’s', '100.100.100.200'],
    ['a carrier’s own', '100.64.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['reserved', '240.0.0.1'],
    ['mapped', '::ffff:10.0.0.1'],
    ['compatible', '::10.0.0.1'],
    ['NAT64', '64:ff9b::10.0.0.1'],
    ['6to4', '2002:a00:1::'],
  ])('is refused that leads to an address which is %s', async (_what, address) => {
    names.set('metadata.google.internal', [address]);
    expect(await send(gateway, at('metadata.google.internal'))).toMatchObject(refused);
  });

  it.each([
    ['first', ['10.0.0.1', outside]],
    ['last', [outside, '10.0.0.1']],
    ['in IPv6', [outside, '::1']],
    ['among many', [outside, ...Array.from({ length: 9 }, (_, n) => `93.184.215.${String(n)}`), '127.0.0.1']],
  ])('is refused where one of its several addresses is private: %s', async (_where, addresses) => {
    names.set('mixed.example', addresses);
    const outcome = await send(gateway, at('mixed.example'));
    expect(outcome).toMatchObject(refused);
    expect(JSON.stringify(outcome)).not.toContain('10.0.0.1');
    expect([...server.connections, ...inside.connections]).toEqual([]);
  });

  it('is told apart from one that ends in a dot, and checked all the same', async () => {
    names.set('inside.example', ['127.0.0.1']);
    expect(await send(gateway, at('inside.example.'))).toMatchObject(refused);
    expect(await send(gateway, at('INSIDE.example'))).toMatchObject(refused);
    expect(inside.connections).toEqual([]);
  });
});

describe('a name server that takes its time', () => {
  it('is waited for no longer than the request says, and then nothing is connected to', async () => {
    let answer: (() => void) | undefined;
    const slow = createHttpGateway({
      openNetworks: [outside],
      origins: new Map(),
      resolve: (_name, callback) => {
        answer = () => {
          callback(null, [{ address: outside, family: 4 }]);
        };
      },
    });
    expect(await send(slow, at('slow.example'), { connectMs: 200 })).toMatchObject({
      failure: { code: 'http_connect_timeout' },
    });
    answer?.();
    // Whatever the late answer led to has arrived before what comes after it.
    names.set('good.example', [outside]);
    expect(await send(gateway, at('good.example'))).toMatchObject({ ok: true });
    expect(server.connections).toHaveLength(1);
    await slow.close();
  });
});

describe('a request that was given up before it began', () => {
  it('connects to nothing', async () => {
    names.set('good.example', [outside]);
    expect(await gateway.send(requestOf(at('good.example')), AbortSignal.abort())).toMatchObject({
      failure: { code: 'http_aborted' },
    });
    expect(await send(gateway, at('good.example'))).toMatchObject({ ok: true });
    expect(server.connections).toHaveLength(1);
  });
});

describe('a name that leads elsewhere a moment later', () => {
  const steps = [[outside], ['127.0.0.1']];

  it('is connected to where it led when it was checked', async () => {
    names.set('rebind.example', ...steps);
    expect(await send(gateway, at('rebind.example'))).toMatchObject({ ok: true });
    expect(names.lookups('rebind.example')).toBe(1);
    expect(server.connections).toHaveLength(1);
    // The connection was closed: this one needs another, and looks the name up again.
    expect(await send(gateway, at('rebind.example'))).toMatchObject(refused);
    expect(names.lookups('rebind.example')).toBe(2);
    expect(inside.connections).toEqual([]);
  });

  it('never leads inside, however it alternates', async () => {
    names.set('flip.example', ...Array.from({ length: 15 }, () => steps).flat());
    const outcomes = [];
    for (let n = 0; n < 30; n += 1) outcomes.push(await send(gateway, at('flip.example')));
    expect(outcomes.map(({ ok }) => ok)).toEqual(Array.from({ length: 30 }, (_, n) => n % 2 === 0));
    names.set('flip.example', ...Array.from({ length: 15 }, () => steps).flat());
    await Promise.all(Array.from({ length: 30 }, () => send(gateway, at('flip.example'))));
    expect(inside.connections).toEqual([]);
  });

  it('keeps its connection, which leads where it led', async () => {
    keepOpen = true;
    names.set('kept.example', ...steps);
    for (let n = 0; n < 3; n += 1) expect(await send(gateway, at('kept.example'))).toMatchObject({ ok: true });
    expect(server.asked).toHaveLength(3);
    expect(names.lookups('kept.example')).toBe(1);
    expect(inside.connections).toEqual([]);
  });

  it('leads inside where nobody checks: the attack is real', async () => {
    names.set('unchecked.example', ...steps);
    const checked = await new Promise((resolve) => names.resolve('unchecked.example', (_, found) => resolve(found)));
    expect(checked).toEqual([{ address: outside, family: 4 }]);
    const agent = new Agent({
      connect: {
        lookup: (name, _options, callback) => names.resolve(name, (error, found) => callback(error, [...found])),
      },
    });
    const { body } = await agent.request({ origin: at('unchecked.example'), path: '/', method: 'GET' });
    expect(await body.text()).toBe('inside');
    await agent.destroy();
  });
});
