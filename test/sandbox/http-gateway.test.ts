import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpGateway, type HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';

let server: Server;
let gateway: HttpGateway;
/** First lines of what came. */
let asked: string[] = [];

beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      asked.push(data.toString().split('\r\n')[0] ?? '');
      socket.write('HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const here = `http://127.0.0.1:${String(port)}`;
  gateway = createHttpGateway({ openNetworks: [], origins: new Map([['https://api.example.com/v1', here]]) });
});
afterAll(async () => {
  await gateway.close();
  await new Promise((resolve) => server.close(resolve));
});

async function send(url: string) {
  asked = [];
  const request = { method: 'GET', url, headers: [], body: Buffer.alloc(0) };
  const times = { connectMs: 5_000, readMs: 5_000, insecure: false };
  return gateway.send({ ...request, ...times }, new AbortController().signal);
}

describe('the gateway', () => {
  it.each([
    ['https://api.example.com/v1/a?b=c%20d#e', '/v1/a?b=c%20d'],
    ["https://api.example.com/v1/a'b|c?d='e'", "/v1/a'b|c?d='e'"],
    ['https://api.example.com/v1?a=/../b', '/v1?a=/../b'],
    ['https:/api.example.com/v1//x/admin', '/v1//x/admin'],
    ['https:api.example.com/v1//x/admin', '/v1//x/admin'],
    ['https://api.example.com\\v1\\a', '/v1/a'],
    ['https://api.example.com/admin/../v1', '/v1'],
    ['https://api.example.com/admin/%2e%2e/v1', '/v1'],
  ])('asks of %s what it has checked', async (url, path) => {
    expect(await send(url)).toMatchObject({ ok: true });
    expect(asked).toEqual([`GET ${path} HTTP/1.1`]);
  });

  it('cleans what an answer says of what cannot be stored', async () => {
    expect(await send('https://api.example.com/v1')).toMatchObject({ response: { reason: 'O\ufffdK' } });
  });
});
