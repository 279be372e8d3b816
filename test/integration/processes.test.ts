import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../setup/databases.ts';
import { Program } from '../setup/program.ts';
import { linkTo, type BreakableLink } from './breakable-link.ts';
import { eventually, handler } from './spine-system.ts';

const adminKey = 'a-key-of-the-operator';
const closing = {
  id: 'closing-1',
  type: 'conversation_closed',
  conversation: { id: '0199a3f0-0000-7000-8000-000000000001', publicId: 'P', subject: '', businessSlug: 'shop' },
};

let database: TestDatabase;
let link: BreakableLink;
let server: Program;
let worker: Program;
beforeAll(async () => {
  database = await createDatabase();
  const url = new URL(database.url);
  link = await linkTo({ host: url.hostname, port: Number(url.port) });
  url.port = String(link.port);
  await link.break();
  const environment = {
    DATABASE_URL: url.href,
    TEMPORAL_ADDRESS: inject('temporal').address,
    AFTERWORD_ADMIN_KEY: adminKey,
    AFTERWORD_ORGANIZATION: 'acme',
    AFTERWORD_TASK_QUEUE: `processes-${String(process.pid)}`,
    AFTERWORD_PORT: '0',
  };
  server = new Program('server', environment);
  worker = new Program('worker', { ...environment, AFTERWORD_METRICS_PORT: '0' });
});
afterAll(async () => {
  await Promise.all([server.stop(), worker.stop()]);
  await link.break();
  await database.drop();
});

it('a server and a worker that are started before their database wait for it', async () => {
  for (const { lines } of [server, worker]) {
    await eventually(() => {
      expect(lines).toContainEqual(expect.objectContaining({ level: 'warn', code: 'store_unavailable' }));
    });
  }
  await link.mend();
  await eventually(() => {
    expect(server.lines).toContainEqual(expect.objectContaining({ msg: 'The API is listening' }));
    expect(worker.lines).toContainEqual(expect.objectContaining({ msg: 'worker started' }));
  });
});

it('they run an event with the key and the organisation that the operator named', async () => {
  const url = server.lines.find((line) => line.url !== undefined)?.url ?? '';
  const ask = async (method: string, path: string, body?: object) => {
    const headers = { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${url}/api/v1${path}`, { method, headers, body: body ? JSON.stringify(body) : null });
    return (await answer.json()) as { id: string; items: object[] };
  };
  expect(await ask('GET', '/organization')).toMatchObject({ id: 'acme' });
  const code = handler('add_conversation_tag(context, "seen")\nreturn "done"');
  await ask('PUT', '/handlers/marks', { name: 'marks', eventType: 'conversation_closed', code });
  const { id } = await ask('POST', '/conversation-events', closing);
  await eventually(async () => {
    const { items } = await ask('GET', `/executions?event=${id}`);
    expect(items).toMatchObject([{ handlerName: 'marks', status: 'succeeded' }]);
  });
  expect(await ask('GET', '/conversations/P')).toMatchObject({ tags: ['seen'] });
});

it('each shows what it has counted', async () => {
  const ofServer = await metricsOf(server, 'The API is listening');
  expect(ofServer).toContain(
    'afterword_events_total{organization="acme",type="conversation_closed",duplicate="false"} 1',
  );
  expect(ofServer).toContain('afterword_relay_lag_seconds 0');
  expect(ofServer).toMatch(/request_seconds_count\{method="GET",route="\/api\/v1\/executions",status="200"\} \d/);

  const ofWorker = await metricsOf(worker, 'Metrics can be read');
  const labels = 'organization="acme",handler="marks",kind="event"';
  expect(ofWorker).toContain(`afterword_attempts_total{${labels},outcome="succeeded",reason=""} 1`);
  expect(ofWorker).toContain(`afterword_executions_total{${labels},status="succeeded",reason=""} 1`);
  expect(ofWorker).toContain('afterword_queue_seconds_count{organization="acme"} 1');
  expect(ofWorker).toContain('afterword_run_seconds_count{organization="acme",handler="marks"} 1');
  const call = 'organization="acme",name="add_conversation_tag",outcome="succeeded"';
  expect(ofWorker).toContain(`afterword_call_seconds_count{${call}} 1`);
});

async function metricsOf(program: Program, msg: string): Promise<string> {
  const { url } = program.lines.find((line) => line.msg === msg) ?? {};
  const answer = await fetch(new URL('/metrics', url));
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0.0.4/);
  return answer.text();
}

it('the server knows of the worker, and how well it locks handlers up', async () => {
  const url = server.lines.find((line) => line.url !== undefined)?.url ?? '';
  const answer = await fetch(`${url}/readyz`);
  expect(await answer.json()).toMatchObject({ status: 'ready', workers: 1, cage: 'full' });
});

it('a server that is told to stop takes no more connections and answers the request that it has', async () => {
  const url = new URL(server.lines.find((line) => line.url !== undefined)?.url ?? '');
  const body = JSON.stringify({ ...closing, id: 'closing-2' });
  const headers = { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' };
  const upload = request({
    host: url.hostname,
    port: url.port,
    method: 'POST',
    path: '/api/v1/conversation-events',
    headers,
  });
  upload.write(body.slice(0, 20));
  // Its head has arrived when the server, asked on another connection, has answered.
  await once(upload, 'socket');
  await fetch(new URL('/healthz', url));
  server.signal('SIGTERM');
  await eventually(async () => {
    await expect(fetch(new URL('/healthz', url))).rejects.toThrow();
  });
  upload.end(body.slice(20));
  const [answer] = (await once(upload, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(202);
  answer.resume();
  expect(await server.exited()).toBe(0);
});

it('a worker ends with 0 when it is told to stop', async () => {
  expect(await worker.stop()).toBe(0);
});
