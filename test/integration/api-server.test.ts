import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLoopback, listen } from '../../src/api/listen.ts';
import { createRouter } from '../../src/api/environment.ts';
import { startServer } from '../../src/server.ts';
import { connectTemporal } from '../../src/temporal/connection.ts';
import { anEvent, createApiUnderTest } from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;

beforeAll(async () => {
  api = await createApiUnderTest();
});

afterAll(async () => {
  await api.close();
});

function slowApp(ms: number) {
  const app = createRouter();
  app.get('/slow', async (c) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return c.text('done');
  });
  return app;
}

describe('the server', () => {
  test('starts, accepts events and stops while nothing answers at Temporal’s address', async () => {
    const temporal = connectTemporal({ address: '127.0.0.1:1' });
    const config = { host: '127.0.0.1', port: 0, taskQueue: 'afterword', python: null };
    const server = await startServer({ config, store: api.store, temporal, log: api.log });
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' };
    const begin = performance.now();
    const published = await fetch(`${server.url}/api/v1/conversation-events`, {
      method: 'POST',
      headers,
      body: JSON.stringify(anEvent()),
    });
    expect(published.status).toBe(202);
    expect(performance.now() - begin).toBeLessThan(4_000);
    const ready = await fetch(`${server.url}/readyz`);
    expect(await ready.json()).toMatchObject({ status: 'degraded', store: 'ok', temporal: 'away' });
    const stopBegin = performance.now();
    await server.stop();
    await temporal.close();
    expect(performance.now() - stopBegin).toBeLessThan(5_000);
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  test('a taken port is named, with the variable that changes it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(listen(slowApp(0), { host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'port_taken',
      message: expect.stringMatching(new RegExp(`${port}.*AFTERWORD_PORT`)) as string,
    });
    other.close();
  });

  test('a host that is not this machine’s is named', async () => {
    await expect(listen(slowApp(0), { host: '203.0.113.1', port: 0 })).rejects.toMatchObject({
      code: 'bad_configuration',
      message: expect.stringContaining('AFTERWORD_HOST') as string,
    });
  });

  test('finishes the requests under way, then stops, kept-alive connections included', async () => {
    const listening = await listen(slowApp(300), { host: '127.0.0.1', port: 0 });
    const under = fetch(`${listening.url}/slow`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const cutOff = listening.stop(3_000);
    expect(await (await under).text()).toBe('done');
    expect(await cutOff).toBe(false);
  });

  test('cuts off what lasts longer than its grace', async () => {
    const listening = await listen(slowApp(30_000), { host: '127.0.0.1', port: 0 });
    const under = fetch(`${listening.url}/slow`).then(
      () => 'answered',
      () => 'cut off',
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await listening.stop(200)).toBe(true);
    expect(await under).toBe('cut off');
  });

  test('survives what is no HTTP', async () => {
    const listening = await listen(slowApp(0), { host: '127.0.0.1', port: 0 });
    const socket = connect(Number(new URL(listening.url).port), '127.0.0.1');
    socket.end('GARBAGE\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toContain('400 Bad Request');
    expect((await fetch(`${listening.url}/slow`)).status).toBe(200);
    await listening.stop(1_000);
  });

  test('warns when it listens to more than this machine', async () => {
    api.logLines.length = 0;
    const temporal = connectTemporal({ address: '127.0.0.1:1' });
    const config = { host: '0.0.0.0', port: 0, taskQueue: 'afterword', python: null };
    const server = await startServer({ config, store: api.store, temporal, log: api.log });
    expect(server.url).toContain('127.0.0.1');
    await server.stop();
    await temporal.close();
    expect(api.logLines.filter((line) => line.includes('"level":"warn"') && line.includes('loopback'))).toHaveLength(1);
  });

  test.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['::', false],
    ['10.0.0.1', false],
    ['127.0.0.1.example.com', false],
  ])('%s is this machine only: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});
