import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { startCollector, type Collector, type Span } from '../setup/collector.ts';
import { createDatabase, type TestDatabase } from '../setup/databases.ts';
import { Program } from '../setup/program.ts';
import { closedEvent } from '../setup/system.ts';
import { eventually, handler } from './spine-system.ts';

const adminKey = 'a-key-of-the-operator';
const traceId = '0af7651916cd43dd8448eb211c80319c';
const callersSpan = 'b7ad6b7169203331';

let collector: Collector;
let database: TestDatabase;
let server: Program;
let worker: Program;
beforeAll(async () => {
  [collector, database] = await Promise.all([startCollector(), createDatabase()]);
  const environment = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: inject('temporal').address,
    AFTERWORD_ADMIN_KEY: adminKey,
    AFTERWORD_ORGANIZATION: 'acme',
    AFTERWORD_TASK_QUEUE: `tracing-${String(process.pid)}`,
    AFTERWORD_PORT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  };
  server = new Program('server', environment);
  worker = new Program('worker', environment);
  await eventually(() => {
    expect(server.said('The API is listening')).toBe(true);
    expect(worker.said('worker started')).toBe(true);
  });
});
afterAll(async () => {
  await Promise.all([server.stop(), worker.stop()]);
  await Promise.all([collector.stop(), database.drop()]);
});

async function ask(method: string, path: string, body: object, traceparent?: string): Promise<number> {
  const url = server.lines.find((line) => line.url !== undefined)?.url ?? '';
  const headers = { Authorization: `Bearer ${adminKey}`, 'Content-Type': 'application/json' };
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: traceparent === undefined ? headers : { ...headers, traceparent },
    body: JSON.stringify(body),
  });
  return answer.status;
}

it('one trace leads from the caller’s request through workflow and handler to the helper', async () => {
  const code = handler('add_conversation_tag(context, "a planted word")\nprint("another planted word")');
  expect(await ask('PUT', '/handlers/tags', { name: 'tags', eventType: 'conversation_closed', code })).toBe(201);
  const traceparent = `00-${traceId}-${callersSpan}-01`;
  expect(await ask('POST', '/conversation-events', closedEvent(), traceparent)).toBe(202);

  const way = [
    'POST /api/v1/conversation-events',
    'StartWorkflow:conversationEvent',
    'RunWorkflow:conversationEvent',
    'StartActivity:runHandler',
    'RunActivity:runHandler',
    'StartWorkflowUpdate:callHelper',
    'RunActivity:add_conversation_tag',
  ];
  await eventually(() => {
    const names = spansOf(traceId).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(way));
  });
  const spans = new Map(spansOf(traceId).map((span) => [span.name, span]));
  expect(spans.get(way[0] ?? '')?.parentSpanId).toBe(callersSpan);
  expect(ancestorsOf(spans.get('RunActivity:add_conversation_tag'))).toEqual(
    expect.arrayContaining([way[0], way[1], way[2]]),
  );
  expect(collector.bodies.join('')).not.toContain('planted word');
});

function spansOf(id: string): Span[] {
  return collector.spans.filter((span) => span.traceId === id);
}

function ancestorsOf(span: Span | undefined): string[] {
  const parent = collector.spans.find(({ spanId }) => spanId === span?.parentSpanId);
  return parent === undefined ? [] : [parent.name, ...ancestorsOf(parent)];
}
