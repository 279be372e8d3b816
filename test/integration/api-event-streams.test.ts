import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LogBuffer } from '../../src/domain/log-buffer.ts';
import { limits } from '../../src/domain/limits.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { type AttemptRef, beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { finishAttempt, type AttemptEnd } from '../../src/store/execution-ledger/finish-attempt.ts';
import { type LogChunk, writeLogs } from '../../src/store/execution-ledger/write-logs.ts';
import { aConversation, anEvent, createApiUnderTest, expectProblem, type ApiUnderTest } from './api-under-test.ts';
import { readEvents, type SentEvent } from './server-sent-events.ts';

const organizationId = 'parcels';
let api: ApiUnderTest;
let events = 0;

beforeAll(async () => {
  api = await createApiUnderTest();
  const push = { eventType: 'conversation_closed', code: 'def handle_event(context): pass\n' };
  await api.send('PUT', '/api/v1/handlers/h', push);
});
afterAll(() => api.close());

async function anExecution(): Promise<string> {
  events += 1;
  await api.send('POST', '/api/v1/conversation-events', anEvent({ id: `e-${String(events)}` }));
  const { body } = await api.get('/api/v1/executions?limit=1');
  return (body as { items: [{ id: string }] }).items[0].id;
}

async function begin(executionId: string, turn = 1): Promise<AttemptRef> {
  const now = new Date();
  const times = { queuedAt: now, startedAt: now, worker: 'test' };
  const begun = await beginAttempt(api.store.db, { organizationId, executionId, turn, claimFor: 'run', ...times });
  if (begun.kind !== 'begun') throw new Error(begun.kind);
  return { organizationId, executionId, attempt: begun.attempt };
}

const print = (ref: AttemptRef, ...chunks: LogChunk[]) => writeLogs(api.store.db, ref, chunks);
const out = (seq: number, text: string, missingBytes = 0): LogChunk => ({ stream: 'stdout', seq, text, missingBytes });

async function end(ref: AttemptRef, change: Partial<AttemptEnd> = {}, logs: LogChunk[] = []): Promise<void> {
  const ended = { outcome: 'succeeded', reason: null, error: null, resultJson: '1', runMs: 5, reached: [] } as const;
  await finishAttempt(api.store.db, ref, { ...ended, final: 'succeeded', ...change }, logs);
}

function ask(path: string, { lastId, app = api.app }: { lastId?: string | undefined; app?: ApiUnderTest['app'] } = {}) {
  const headers = { authorization: `Bearer ${api.key}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
  return app.request(path, { headers });
}

const pathOf = (id: string) => `/api/v1/executions/${id}/logs/stream`;
const follow = async (id: string, lastId?: string) => readEvents(await ask(pathOf(id), { lastId }));
const textOf = (some: readonly SentEvent[], stream = 'stdout') =>
  some.flatMap(({ event, data }) => (event === 'output' && data.stream === stream ? [String(data.text)] : [])).join('');
const isEnd = ({ event }: SentEvent) => event === 'end';

async function aCall(executionId: string, n: number, state: 'intent' | 'succeeded'): Promise<string> {
  const id = uuidv7();
  await api.store.db
    .insertInto('calls')
    .values({
      ...{ id, organization_id: organizationId, execution_id: executionId, name: 'add_conversation_tag', n, try: 1 },
      ...{ effect: 'write', state, args: '{}', answer: null, error_code: null, error_message: null, attempt: 1 },
      ...{ last_attempt: 1, drift: null, requested_at: new Date(), answered_at: null },
    })
    .execute();
  return id;
}

describe('GET /executions/{id}/logs/stream', () => {
  test('tells what is printed and called as it comes, and how it ends', async () => {
    const id = await anExecution();
    const response = await ask(pathOf(id));
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const stream = readEvents(response);
    expect(await stream.next()).toMatchObject({ event: 'status', data: { id, status: 'waiting' } });
    const ref = await begin(id);
    expect(await stream.next()).toMatchObject({ event: 'status', data: { status: 'running', attempts: 1 } });
    await print(ref, out(0, 'one\n'));
    expect(await stream.next()).toMatchObject({
      event: 'output',
      data: { attempt: 1, stream: 'stdout', text: 'one\n' },
    });
    const callId = await aCall(id, 1, 'intent');
    expect(await stream.next()).toMatchObject({ event: 'call', data: { id: callId, state: 'intent' } });
    await api.store.db.updateTable('calls').set({ state: 'succeeded' }).where('id', '=', callId).execute();
    expect(await stream.next()).toMatchObject({ event: 'call', data: { id: callId, state: 'succeeded' } });
    await end(ref, {}, [out(1, 'two\n'), { stream: 'stderr', seq: 0, text: 'oh', missingBytes: 0 }]);
    const rest = await stream.until(() => false);
    expect(textOf(rest)).toBe('two\n');
    expect(textOf(rest, 'stderr')).toBe('oh');
    expect(rest.at(-1)).toMatchObject({ event: 'end', data: { id, status: 'succeeded', result: 1 } });
    expect((await ask(pathOf(id), { lastId: rest.at(-1)?.id })).status).toBe(204);
  });

  test('goes on after any event without loss or repetition, over attempts', async () => {
    const id = await anExecution();
    const first = await begin(id);
    await print(first, out(0, 'a1 é\n'), { stream: 'stderr', seq: 0, text: 'e1\n', missingBytes: 0 });
    await aCall(id, 1, 'succeeded');
    await end(first, { outcome: 'failed', reason: 'raised', resultJson: null, final: null });
    const second = await begin(id, 2);
    await print(second, out(0, 'b1\n'));
    await aCall(id, 2, 'intent');
    await end(second, {}, [out(1, 'b2\n')]);
    const whole = await (await follow(id)).until(isEnd);
    expect(textOf(whole)).toBe('a1 é\nb1\nb2\n');
    expect(whole.filter(({ event }) => event === 'call')).toHaveLength(2);
    for (const [index, { id: lastId }] of whole.entries()) {
      if (index === whole.length - 1) continue;
      const rest = await (await follow(id, lastId)).until(isEnd);
      expect(rest.map(({ event, data }) => [event, data])).toEqual(
        whole.slice(index + 1).map(({ event, data }) => [event, data]),
      );
    }
  });

  test('of a long output says what is not kept, and goes on in its end', async () => {
    const id = await anExecution();
    const ref = await begin(id);
    const buffer = new LogBuffer(40);
    const printed = async (text: string) => {
      buffer.add(text);
      await print(ref, ...buffer.take().map((piece) => ({ stream: 'stdout' as const, ...piece })));
    };
    await printed('0123456789');
    const stream = await follow(id);
    const isOutput = ({ event }: SentEvent) => event === 'output';
    expect(textOf(await stream.until(isOutput))).toBe('0123456789');
    await printed('abcdefghijklmnopqrst');
    expect(textOf(await stream.until(isOutput))).toBe('abcdefghijklmnopqrst');
    await printed('x'.repeat(30));
    const long = await stream.until(isOutput);
    expect(textOf(long)).toBe(`\n… 10 bytes left out …\n${'x'.repeat(20)}`);
    await stream.leave();
    await printed('the end');
    await end(ref);
    const rest = await (await follow(id, long.at(-1)?.id)).until(isEnd);
    expect(textOf(rest)).toBe('the end');
    const whole = await (await follow(id)).until(isEnd);
    expect(textOf(whole)).toBe(`0123456789abcdefghij\n… 27 bytes left out …\n${'x'.repeat(13)}the end`);
  });

  test('refuses what is not there and ids that no stream has sent', async () => {
    const id = await anExecution();
    expectProblem(await api.get(pathOf(uuidv7())), 404, 'execution_not_found');
    expectProblem(await api.get(pathOf('x')), 404, 'execution_not_found');
    expectProblem(await api.get(pathOf(id), api.rivalKey), 404, 'execution_not_found');
    for (const path of [pathOf(id), '/api/v1/executions/stream']) {
      const headers = { 'last-event-id': 'nonsense' };
      expectProblem(await api.request('GET', path, { headers }), 400, 'invalid_request');
    }
  });
});

describe('streams', () => {
  test('are as many as an organisation may have; one more is refused until a reader goes', async () => {
    const id = await anExecution();
    const open = [];
    for (let n = 0; n < limits.streamsPerOrganization; n += 1) open.push(await follow(id));
    expectProblem(await api.get(pathOf(id)), 429, 'too_many_streams');
    expectProblem(await api.get('/api/v1/executions/stream'), 429, 'too_many_streams');
    await Promise.all(open.map((stream) => stream.leave()));
    await expect.poll(async () => (await ask(pathOf(id))).status).toBe(200);
  });

  test('end when the server stops and when their time is over, and beat meanwhile', async () => {
    const id = await anExecution();
    const stopping = new AbortController();
    const directRunner = {
      start: () => Promise.resolve({ duplicate: false }),
      ended: () => Promise.resolve(),
      stopping: stopping.signal,
    };
    const start = () => Promise.resolve({ duplicate: false });
    const { app } = api.connect(start, { directRunner, eventStreams: { heartbeatMs: 5 } });
    const stream = readEvents(await ask(pathOf(id), { app }));
    await stream.next();
    const rest = stream.until(() => false);
    await expect.poll(() => api.store.db.selectFrom('executions').select('id').execute()).not.toHaveLength(0);
    stopping.abort();
    expect((await rest).filter(isEnd)).toEqual([]);
    expect(stream.comments()).toBeGreaterThan(0);
    const { app: brief } = api.connect(start, { eventStreams: { mostMs: 1 } });
    expect((await readEvents(await ask(pathOf(id), { app: brief })).until(() => false)).filter(isEnd)).toEqual([]);
  });
});

describe('GET /executions/stream', () => {
  test('tells each execution when it comes, runs and ends, and only those of the filter', async () => {
    const push = { eventType: 'conversation_handed_off', code: 'def handle_event(context): pass\n' };
    await api.send('PUT', '/api/v1/handlers/live', push);
    const stream = readEvents(await ask('/api/v1/executions/stream?handler=live'));
    const failed = readEvents(await ask('/api/v1/executions/stream?handler=live&failed=true'));
    const post = (id: string, type: string) => api.send('POST', '/api/v1/conversation-events', anEvent({ id, type }));
    await post('live-0', 'conversation_closed');
    await post('live-1', 'conversation_handed_off');
    const first = await stream.next();
    expect(first).toMatchObject({ event: 'execution', data: { handlerName: 'live', status: 'waiting' } });
    const id = String(first?.data.id);
    const ref = await begin(id);
    expect(await stream.next()).toMatchObject({ data: { id, status: 'running', attempts: 1 } });
    const error = { type: 'ValueError', message: 'no', traceback: '' };
    await end(ref, { outcome: 'failed', reason: 'raised', error, resultJson: null, final: 'failed' });
    const last = await stream.next();
    expect(last).toMatchObject({ data: { id, status: 'failed' } });
    expect(await failed.next()).toMatchObject({ data: { id, status: 'failed' } });
    await Promise.all([stream.leave(), failed.leave()]);
    const again = readEvents(await ask('/api/v1/executions/stream?handler=live', { lastId: last?.id }));
    await post('live-2', 'conversation_handed_off');
    const found = await again.until(({ data }) => data.id !== id);
    expect(found.at(-1)).toMatchObject({ data: { status: 'waiting' } });
    await again.leave();
  });
});

describe('POST /test-runs/stream', () => {
  const body = { conversation: 'C-1', handler: 'h' };
  const post = (app: ApiUnderTest['app'], input: object) =>
    app.request('/api/v1/test-runs/stream', {
      method: 'POST',
      headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });

  test('tells what the run prints, then the whole execution', async () => {
    const { id: conversation, ...fields } = aConversation();
    await api.send('PUT', `/api/v1/conversations/${String(conversation)}`, fields);
    const stream = readEvents(await post(api.app, body));
    const first = await stream.next();
    expect(first).toMatchObject({ event: 'status', data: { kind: 'test', status: 'waiting', handlerName: 'h' } });
    const ref = await begin(String(first?.data.id));
    await end(ref, {}, [out(0, 'tested\n')]);
    const rest = await stream.until(isEnd);
    expect(textOf(rest)).toBe('tested\n');
    expect(rest.at(-1)).toMatchObject({
      data: { status: 'succeeded', stdout: 'tested\n', attemptLog: [{ attempt: 1 }] },
    });
  });

  test('is refused before it begins where it cannot run, and takes no place then', async () => {
    const away = () => Promise.reject(new AfterwordError('temporal_unavailable', 'away'));
    const directRunner = { start: away, ended: () => Promise.resolve(), stopping: new AbortController().signal };
    const { app } = api.connect(() => Promise.resolve({ duplicate: false }), { directRunner });
    for (let n = 0; n <= limits.streamsPerOrganization; n += 1) expect((await post(app, body)).status).toBe(503);
    expect((await post(api.app, { ...body, conversation: 'nobody' })).status).toBe(404);
    expect((await post(api.app, { ...body, wait: 1 })).status).toBe(400);
  });
});
