import { afterAll, beforeAll, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import type { ResolveName } from '../../src/sandbox/http-gateway/checked-lookup.ts';
import { createHttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { until } from './running.ts';
import { send } from './sending.ts';

let server: RawServer;
beforeAll(async () => {
  server = await startRawServer((socket) => socket.write(httpAnswer('ok', { close: true })));
});
afterAll(() => server.close());

/** A gateway whose names are answered when the test says so. */
function gatewayWithNames() {
  const asked: { hostname: string; answer: () => void }[] = [];
  const resolve: ResolveName = (hostname, callback) => {
    const answer = () => {
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    asked.push({ hostname, answer });
  };
  const gateway = createHttpGateway({ openNetworks: ['127.0.0.1'], origins: new Map(), resolve });
  const ask = (organization: string, name: string, connectMs = 20_000) =>
    send(gateway, `http://${name}.example:${String(server.port)}/`, { organization, connectMs });
  return {
    gateway,
    ask,
    /** In the order in which they were asked for, without what follows the name. */
    names: () => asked.map(({ hostname }) => hostname.replace('.example', '')),
    answer: (name: string) => asked.find(({ hostname }) => hostname === `${name}.example`)?.answer(),
  };
}

it('looks up no more names than allowed, two of an organisation, and keeps a place for others', async () => {
  const { gateway, ask, names, answer } = gatewayWithNames();
  const asking = ['a1', 'a2', 'a3'].map((name) => ask('a', name));
  expect(names()).toEqual(['a1', 'a2']);
  expect(names()).toHaveLength(limits.lookupsAtOnceOfOrganization);
  asking.push(...['b', 'c', 'd'].map((of) => ask(of, `${of}1`)));
  expect(names()).toEqual(['a1', 'a2', 'b1']);
  expect(names()).toHaveLength(limits.lookupsAtOnce);
  answer('a1');
  expect(names().at(-1)).toBe('c1');
  answer('b1');
  expect(names().at(-1)).toBe('d1');
  answer('a2');
  expect(names().at(-1)).toBe('a3');
  for (const name of ['c1', 'd1', 'a3']) answer(name);
  expect((await Promise.all(asking)).map(({ ok }) => ok)).toEqual(asking.map(() => true));
  await gateway.close();
});

it('does not let one organisation whose name servers are silent hold up another', async () => {
  const { gateway, ask, names, answer } = gatewayWithNames();
  const silent = Array.from({ length: 190 }, (_, n) => ask('hostile', `silent${String(n)}`, 300));
  const other = ask('other', 'good');
  expect(names()).toEqual(['silent0', 'silent1', 'good']);
  answer('good');
  expect(await other).toMatchObject({ ok: true });
  for (const outcome of await Promise.all(silent)) {
    expect(outcome).toMatchObject({ failure: { code: 'http_connect_timeout' } });
  }
  // What nobody waits for any more is not begun.
  answer('silent0');
  const next = ask('hostile', 'next');
  expect(names()).toEqual(['silent0', 'silent1', 'good', 'next']);
  answer('next');
  expect(await next).toMatchObject({ ok: true });
  await gateway.close();
});

it('looks up a name once for all who ask for it at once, and anew for who asks later', async () => {
  const { gateway, ask, names, answer } = gatewayWithNames();
  const together = [ask('a', 'same'), ask('a', 'other'), ask('b', 'same'), ask('a', 'same')];
  expect(names()).toEqual(['same', 'other']);
  answer('same');
  answer('other');
  for (const outcome of await Promise.all(together)) expect(outcome).toMatchObject({ ok: true });
  await until('the connections are gone', () => server.connections.every(({ closed }) => closed));
  const later = ask('a', 'same');
  await until('it is looked up', () => names().length === 3);
  expect(names()).toEqual(['same', 'other', 'same']);
  const { asked } = server;
  expect(asked.length).toBeGreaterThan(0);
  await gateway.close();
  await later;
});
