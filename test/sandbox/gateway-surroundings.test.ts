import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { openSandbox, runHandler } from './running.ts';
import { send } from './sending.ts';

let home: string;
let proxy: RawServer;
let server: RawServer;
let gateway: HttpGateway;
let sandbox: HandlerSandbox;
const before: Record<string, string | undefined> = {};

/** The worker's environment has everything that a library might make use of by itself. */
beforeAll(async () => {
  proxy = await startRawServer((socket) => socket.write(httpAnswer('proxy')));
  server = await startRawServer((socket) => socket.write(httpAnswer('direct', { headers: 'Set-Cookie: seen=1\r\n' })));
  home = mkdtempSync(join(tmpdir(), 'home-'));
  writeFileSync(
    join(home, '.netrc'),
    'machine 127.0.0.1 login someone password secret-4711\ndefault login a password b\n',
    {
      mode: 0o600,
    },
  );
  const proxies = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
  const environment = { HOME: home, NETRC: join(home, '.netrc'), NODE_USE_ENV_PROXY: '1', NO_PROXY: '', no_proxy: '' };
  for (const [name, value] of Object.entries({
    ...environment,
    ...Object.fromEntries(proxies.map((of) => [of, proxy.url])),
  })) {
    before[name] = process.env[name];
    process.env[name] = value;
  }
  gateway = gatewayToStandIns();
  sandbox = await openSandbox();
});
afterAll(async () => {
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
  await Promise.all([gateway.close(), proxy.close(), server.close(), sandbox.close()]);
  rmSync(home, { recursive: true });
});
beforeEach(() => {
  server.forget();
});

describe('a request', () => {
  it('goes without proxies, names, passwords and cookies of the worker, and says nothing but what it was told', async () => {
    for (let n = 0; n < 2; n += 1) {
      expect(await send(gateway, `${server.url}/x`, { headers: [['X-Own', '1']] })).toMatchObject({ ok: true });
    }
    const asked = `GET /x HTTP/1.1\r\nhost: 127.0.0.1:${String(server.port)}\r\nconnection: keep-alive\r\nX-Own: 1\r\n\r\n`;
    expect(server.asked).toEqual([asked, asked]);
    expect(proxy.connections).toEqual([]);
  });

  it('says of its body how long it is, and no more', async () => {
    await send(gateway, `${server.url}/x`, { method: 'POST', body: Buffer.from('abc') });
    expect(server.asked.join('')).toBe(
      `POST /x HTTP/1.1\r\nhost: 127.0.0.1:${String(server.port)}\r\nconnection: keep-alive\r\ncontent-length: 3\r\n\r\nabc`,
    );
  });

  it('takes no credentials from its URL', async () => {
    await send(gateway, `http://user:password@127.0.0.1:${String(server.port)}/x`);
    expect(server.asked.join('')).not.toMatch(/authorization|dXNlcjpwYXNzd29yZA|password/i);
  });

  it.each([
    [
      'python',
      'import requests\ndef handle_event(context):\n    for _ in range(2): requests.get("URL")',
      ['User-Agent', 'Accept-Encoding', 'Accept', 'Connection'],
    ],
    [
      'typescript',
      'export const handleEvent = async () => { await fetch("URL"); await fetch("URL"); };',
      ['accept', 'accept-encoding'],
    ],
  ] as const)('leaves the cage with the headers of its library alone: %s', async (language, code, headers) => {
    const { requests } = await runHandler(sandbox, code.replaceAll('URL', `${server.url}/x`), { language });
    expect(requests[0]?.headers.map(([name]) => name)).toEqual(headers);
    expect(requests[0]).toMatchObject({ url: `${server.url}/x` });
  });
});

describe('what a request says', () => {
  it.each([
    ['a header with a line of its own', { headers: [['X', 'a\r\nHost: evil.example'] as const] }],
    ['a header whose name has one', { headers: [['X\r\nY', 'a'] as const] }],
    ['a header with NUL', { headers: [['X', 'a\0'] as const] }],
    ['a header that is not Latin-1', { headers: [['X', 'a\u010aHost: evil.example'] as const] }],
    ['a method with a space', { method: 'GET /y HTTP/1.1\r\nX:' }],
    ['an empty method', { method: '' }],
  ])('is one request: %s', async (_what, more) => {
    expect(await send(gateway, `${server.url}/x`, more)).toMatchObject({ failure: { code: 'http_invalid_request' } });
    expect(server.asked).toEqual([]);
  });

  it.each(['/a\r\nX: y', '/a b', '/a\tb', '/a\0b', '/a\u010ab', '/é'])('is one line for its path: %j', async (path) => {
    const outcome = await send(gateway, server.url + path);
    const lines = server.asked.join('').split('\r\n');
    if (outcome.ok) expect(lines[0]).toMatch(/^GET \/[!-ÿ]* HTTP\/1\.1$/);
    expect(lines.filter((line) => line.startsWith('X'))).toEqual([]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    'Content-Length',
  ])('is nothing of the connection: %s', async (name) => {
    const values = { 'Transfer-Encoding': 'chunked', 'Content-Length': '100', Expect: '100-continue' };
    const value = new Map(Object.entries(values)).get(name) ?? 'x';
    const outcome = await send(gateway, `${server.url}/x`, {
      method: 'POST',
      headers: [[name, value]],
      body: Buffer.from('0\r\n\r\nGET /y'),
    });
    expect(outcome).toMatchObject({ ok: true });
    expect(server.asked.join('')).toMatch(/content-length: 11\r\n/);
    expect(server.asked.join('')).not.toContain(`${name}: ${value}`);
  });
});
