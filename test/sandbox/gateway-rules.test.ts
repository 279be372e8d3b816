import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EgressPolicy, type EgressList } from '../../src/sandbox/http-gateway/egress-policy.ts';
import { createHttpGateway, type HttpGateway, type HttpRequest } from '../../src/sandbox/http-gateway/gateway.ts';
import { startNameServer, type NameServer } from '../setup/name-server.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { refused, send } from './sending.ts';

/** Stand for the internet: addresses of loopback that the operator opened. */
const here = '127.0.0.2';
const there = '127.0.0.3';
let names: NameServer;
let gateway: HttpGateway;
let server: RawServer;
let elsewhere: RawServer;

beforeAll(async () => {
  names = await startNameServer();
  server = await startRawServer((socket) => socket.write(httpAnswer('here')), { host: here });
  elsewhere = await startRawServer((socket) => socket.write(httpAnswer('there')), { host: there, port: server.port });
  const origins = new Map([['https://led.example', server.url]]);
  gateway = createHttpGateway({ openNetworks: [here, there], origins, resolve: names.resolve });
  for (const name of ['api.example', 'x.api.example', 'other.example', 'b.example']) names.set(name, [here]);
  names.set('both.example', [here, there]);
});
afterAll(async () => {
  await Promise.all([gateway.close(), server.close(), elsewhere.close()]);
  await names.close();
});
beforeEach(() => {
  server.forget();
  elsewhere.forget();
});

type Rules = EgressList['rules'];
const policy = (organisation: Rules, handler: Rules = {}) =>
  new EgressPolicy([
    { whose: 'organisation', rules: organisation },
    { whose: 'handler', rules: handler },
  ]);
const at = (host: string) => `http://${host}:${String(server.port)}/`;
const ask = (host: string, egress: EgressPolicy, more: Partial<HttpRequest> = {}) =>
  send(gateway, at(host), { egress, ...more });
const answered = { ok: true, response: { status: 200 } } as const;
const port = () => String(server.port);

describe('an allow-list', () => {
  it.each([
    ['its host', 'api.example', ['api.example']],
    ['its host in another spelling', 'API.Example', ['api.example']],
    ['its host with a dot at its end', 'api.example.', ['api.example']],
    ['a host below', 'x.api.example', ['*.api.example']],
    ['an address', here, [here]],
    ['an address in a network', here, ['127.0.0.0/30']],
    ['an address in another notation', '2130706434', ['127.0.0.2/32']],
    ['a name that leads into a network', 'api.example', [`${here}/32`]],
    ['a name whose every address is in a network', 'both.example', [here, there]],
    ['one of several', 'other.example', ['api.example', 'other.example']],
  ])('lets %s pass: %s', async (_what, host, allow) => {
    names.set('api.example.', [here]);
    expect(await ask(host, policy({ allow }))).toMatchObject(answered);
  });

  it.each([
    ['another host', 'other.example', ['api.example']],
    ['a host below', 'x.api.example', ['api.example']],
    ['the host above', 'api.example', ['*.api.example']],
    ['a host that ends alike', 'b.example', ['*.xb.example', 'xb.example']],
    ['everything, where it is empty', 'api.example', []],
    ['an address where only names are allowed', here, ['api.example']],
    ['another address', there, [`${here}/32`]],
    ['a name that leads elsewhere', 'api.example', [there]],
    ['a name of which one address is elsewhere', 'both.example', [here]],
    ['its host at another port', 'api.example', ['api.example:1']],
    ['its network at another port', 'api.example', [`${here}/32:1`]],
    ['an address as credentials', `api.example@${there}`, ['api.example']],
  ])('refuses %s: %s', async (_what, host, allow) => {
    const outcome = await ask(host, policy({ allow }));
    expect(outcome).toMatchObject(refused);
    expect(outcome).toHaveProperty(
      'failure.message',
      expect.stringMatching(/is not on the allow-list of the organisation\. .*`afterword egress set`/),
    );
    expect([...server.connections, ...elsewhere.connections]).toEqual([]);
  });

  it('may name a port', async () => {
    expect(await ask('api.example', policy({ allow: [`api.example:${port()}`] }))).toMatchObject(answered);
    expect(await ask('api.example', policy({ allow: [`${here}/32:${port()}`] }))).toMatchObject(answered);
  });

  it('has a name that it refuses not even looked up', async () => {
    names.set('leak.example', [here]);
    expect(await ask('leak.example', policy({ allow: ['api.example'] }))).toMatchObject(refused);
    expect(names.lookups('leak.example')).toBe(0);
  });

  it('opens no private address', async () => {
    names.set('inside.example', ['127.0.0.1']);
    for (const host of ['inside.example', '127.0.0.1', '10.0.0.1']) {
      const outcome = await ask(host, policy({ allow: ['inside.example', '0.0.0.0/0', '127.0.0.1'] }));
      expect(outcome).toHaveProperty('failure.message', expect.stringContaining('private or local address'));
    }
  });
});

describe('a deny-list', () => {
  it.each([
    ['its host', 'api.example', ['api.example'], 'api.example'],
    ['its host in another spelling', 'ＡＰＩ.example', ['api.example'], 'api.example'],
    ['its host with a dot at its end', 'api.example.', ['api.example'], 'api.example'],
    ['a host below', 'x.api.example', ['*.api.example'], '*.api.example'],
    ['an address', here, ['127.0.0.0/30'], '127.0.0.0/30'],
    ['a name that leads into a network', 'api.example', [`${here}/32`], `${here}/32`],
    ['a name of which one address is in a network', 'both.example', [there], there],
  ])('refuses %s: %s', async (_what, host, deny, pattern) => {
    const outcome = await ask(host, policy({ deny }));
    expect(outcome).toMatchObject(refused);
    expect(outcome).toHaveProperty(
      'failure.message',
      expect.stringContaining(`deny-list of the organisation (as "${pattern}")`),
    );
    expect([...server.connections, ...elsewhere.connections]).toEqual([]);
  });

  it.each([
    ['another host', 'other.example', ['api.example']],
    ['the host above', 'api.example', ['*.api.example']],
    ['its host at another port', 'api.example', ['api.example:1']],
    ['another network', 'api.example', [there]],
  ])('lets %s pass: %s', async (_what, host, deny) => {
    expect(await ask(host, policy({ deny }))).toMatchObject(answered);
  });

  it('wins over an allow-list', async () => {
    for (const deny of [['api.example'], [here], ['*.example']]) {
      expect(await ask('api.example', policy({ allow: ['api.example', here], deny }))).toMatchObject(refused);
    }
  });
});

describe('the lists of organisation and handler', () => {
  it('have to agree', async () => {
    const both = policy({ allow: ['api.example', 'other.example'] }, { allow: ['api.example', 'b.example'] });
    expect(await ask('api.example', both)).toMatchObject(answered);
    expect(await ask('other.example', both)).toMatchObject(refused);
    expect(await ask('b.example', both)).toMatchObject(refused);
  });

  it('let a handler narrow and not widen', async () => {
    expect(await ask('other.example', policy({ allow: ['api.example'] }, { allow: ['other.example'] }))).toMatchObject(
      refused,
    );
    expect(await ask('api.example', policy({ deny: ['api.example'] }, { allow: ['api.example'] }))).toMatchObject(
      refused,
    );
    expect(await ask('api.example', policy({ deny: [here] }, { allow: [here] }))).toMatchObject(refused);
    const outcome = await ask('api.example', policy({ allow: ['api.example'] }, { deny: ['api.example'] }));
    expect(outcome).toHaveProperty(
      'failure.message',
      `http://api.example:${port()} is on the deny-list of the handler (as "api.example"). It is \`egress.deny\` in the handler's settings.`,
    );
  });

  it('restrict nothing where there are none', () => {
    expect(policy({}).isEmpty).toBe(true);
    expect(policy({ deny: [] }, { deny: [] }).isEmpty).toBe(true);
    expect(policy({}, { allow: [] }).isEmpty).toBe(false);
  });
});

describe('a connection that was kept', () => {
  it('is not used by a request that may not go to its address', async () => {
    expect(await ask('api.example', policy({}))).toMatchObject(answered);
    expect(await ask('api.example', policy({ deny: [here] }))).toMatchObject(refused);
    expect(await ask('api.example', policy({ allow: [there] }))).toMatchObject(refused);
    expect(await ask('api.example', policy({ deny: ['api.example'] }))).toMatchObject(refused);
    expect(server.asked).toHaveLength(1);
  });

  it('is used again by requests under the same rules', async () => {
    const rules = { allow: ['127.0.0.0/8'] };
    for (let n = 0; n < 3; n += 1) expect(await ask('other.example', policy(rules))).toMatchObject(answered);
    expect(server.connections).toHaveLength(1);
    expect(server.asked).toHaveLength(3);
  });

  it('is given up when very many rules are in use, and the request it carries is answered', async () => {
    const rules = Array.from({ length: 120 }, (_, n) => policy({ allow: ['127.0.0.0/8', `10.0.0.${String(n)}`] }));
    const outcomes = await Promise.all(rules.map((egress) => ask('api.example', egress)));
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    expect(await ask('api.example', policy({ allow: ['127.0.0.0/8', '10.0.0.0'] }))).toMatchObject(answered);
  });
});

describe('a Host header', () => {
  const host = (value: string) => ({ headers: [['Host', value] as const] });

  it('may name what may be reached', async () => {
    const egress = policy({ allow: ['api.example', 'front.example'] });
    expect(await ask('api.example', egress, host('front.example'))).toMatchObject(answered);
    expect(server.asked[0]).toContain('host: front.example\r\n');
  });

  it.each([
    ['is not allowed', { allow: ['api.example'] }],
    ['is denied', { deny: ['front.example'] }],
    ['is denied with all below', { deny: ['*.example:1', 'front.example'] }],
  ])('may not name another host that %s: it could be behind the same address', async (_what, rules) => {
    expect(await ask('api.example', policy(rules), host('front.example'))).toMatchObject(refused);
    expect(await ask('api.example', policy(rules), host('FRONT.example.:80'))).toMatchObject(refused);
    expect(server.connections).toEqual([]);
  });

  it.each(['front.example/x', 'a@front.example', '', 'a b', '['])('that is no host is not sent: %j', async (value) => {
    const outcome = await ask('api.example', policy({ deny: ['front.example'] }), host(value));
    expect(outcome).toMatchObject({ failure: { code: 'http_invalid_request' } });
    expect(server.connections).toEqual([]);
  });

  it('may be given once', async () => {
    const headers = [['Host', 'api.example'] as const, ['host', 'front.example'] as const];
    expect(await ask('api.example', policy({}), { headers })).toMatchObject({
      failure: { code: 'http_invalid_request' },
    });
  });

  it('may name what it likes where there are no rules', async () => {
    expect(await ask('api.example', policy({}), host('front.example'))).toMatchObject(answered);
  });
});

describe('what the operator leads elsewhere', () => {
  it('is judged by the host that was asked', async () => {
    const led = (rules: Rules) => send(gateway, 'https://led.example/x', { egress: policy(rules) });
    expect(await led({})).toMatchObject(answered);
    expect(await led({ allow: ['led.example'] })).toMatchObject(answered);
    expect(await led({ deny: ['led.example'] })).toMatchObject(refused);
    expect(await led({ allow: ['api.example'] })).toMatchObject(refused);
    expect(await led({ allow: ['0.0.0.0/0'] })).toMatchObject(refused);
  });
});
