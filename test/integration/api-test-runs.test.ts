import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DirectRunner } from '../../src/api/direct-runs.ts';
import { ExecutionDetail } from '../../src/contract/execution.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { limits } from '../../src/domain/limits.ts';
import { aConversation, createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

const path = '/api/v1/test-runs';
const good = { conversation: 'C-1', eventType: 'conversation_closed', code: 'def handle_event(context): pass\n' };

let api: ApiUnderTest;

beforeAll(async () => {
  api = await createApiUnderTest();
  const conversation = aConversation();
  expect(await api.send('PUT', `/api/v1/conversations/${String(conversation.id)}`, conversation)).toMatchObject({
    status: 200,
  });
  const push = { eventType: 'conversation_closed', code: good.code };
  expect(await api.send('PUT', '/api/v1/handlers/saved', push)).toMatchObject({ status: 201 });
});
afterAll(() => api.close());

const post = (body: unknown, key?: string) => api.send('POST', path, body, key);

function connected(runner: Partial<DirectRunner>) {
  const directRunner = {
    start: () => Promise.resolve({ duplicate: false }),
    ended: () => Promise.resolve(),
    stopping: new AbortController().signal,
    ...runner,
  };
  return api.connect(() => Promise.resolve({ duplicate: false }), { directRunner });
}

describe('a request that cannot be run', () => {
  test.each([
    ['neither code nor handler', { ...good, code: undefined }, ['code']],
    ['no type without a handler', { ...good, eventType: undefined }, ['eventType']],
    ['neither of both', { conversation: 'C-1' }, ['code', 'eventType']],
    ['an unknown type', { ...good, eventType: 'closed' }, ['eventType']],
    ['no conversation', { ...good, conversation: undefined }, ['conversation']],
    ['an empty conversation', { ...good, conversation: '' }, ['conversation']],
    ['a conversation id of 201 characters', { ...good, conversation: 'x'.repeat(201) }, ['conversation']],
    ['an inline conversation', { ...good, conversation: aConversation() }, ['conversation']],
    ['a wait past the limit', { ...good, waitSeconds: limits.testRunWaitSeconds + 0.1 }, ['waitSeconds']],
    ['a negative wait', { ...good, waitSeconds: -1 }, ['waitSeconds']],
    ['an unknown field', { ...good, wait: 1 }, ['wait']],
    ['an unknown setting', { ...good, settings: { tries: 1 } }, ['settings.tries']],
    ['an unknown actor', { ...good, actor: 'nobody' }, ['actor']],
    ['empty code', { ...good, code: '' }, ['code']],
    ['a handler of a bad name', { ...good, handler: 'No Such' }, ['handler']],
  ])('%s', async (_what, body, fields) => {
    const problem = expectProblem(await post(body), 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual(fields);
  });

  test('code past its limit, with NUL or with half a character', async () => {
    for (const code of ['#'.repeat(limits.handlerCodeBytes + 1), 'x = "\0"', 'x = "\ud800"']) {
      expect(fieldsOf(expectProblem(await post({ ...good, code }), 400, 'invalid_handler'))).toEqual(['code']);
    }
  });

  test('an unknown conversation, one of another organisation, an unknown handler, no key', async () => {
    expectProblem(await post({ ...good, conversation: 'C-2' }), 404, 'conversation_not_found');
    expectProblem(await post(good, api.rivalKey), 404, 'conversation_not_found');
    expectProblem(await post({ ...good, handler: 'nobody' }), 404, 'handler_not_found');
    expectProblem(await api.request('POST', path, { key: null }), 401, 'unauthorized');
    expect(await api.store.db.selectFrom('direct_runs').selectAll().execute()).toEqual([]);
  });
});

describe('one that can', () => {
  test('at the limits of its fields', async () => {
    const code = '#'.repeat(limits.handlerCodeBytes);
    const { app } = connected({ stopping: AbortSignal.abort() });
    const response = await app.request(path, {
      method: 'POST',
      headers: { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...good, code, waitSeconds: limits.testRunWaitSeconds }),
    });
    expect(response.status).toBe(202);
  });

  test('is answered with 202 when its time is up: no worker has taken it', async () => {
    const answer = await post({ ...good, waitSeconds: 0.05 });
    expect(answer.status).toBe(202);
    const execution = ExecutionDetail.parse(answer.body);
    expect(execution).toMatchObject({ kind: 'test', status: 'waiting', attempts: 0, handlerName: 'unsaved' });
    expect((await api.get(`/api/v1/executions/${execution.id}`)).body).toEqual(execution);
    expectProblem(await api.get(`/api/v1/executions/${execution.id}`, api.rivalKey), 404, 'execution_not_found');
  });

  test('is answered at once with 202 when the server stops', async () => {
    const stopping = new AbortController();
    const { send } = connected({
      stopping: stopping.signal,
      ended: async () => {
        stopping.abort();
        return Promise.reject(new Error('aborted'));
      },
    });
    expect(await send('POST', path, { ...good, waitSeconds: 20 })).toMatchObject({ status: 202 });
  });

  test('looks again while Temporal is away, and after an operator has ended the workflow', async () => {
    const ends = [
      () => Promise.reject(new Error('away')),
      () => Promise.resolve(),
      async () => {
        await api.store.db.updateTable('executions').set({ status: 'succeeded', result: '5' }).execute();
      },
    ];
    const { send } = connected({ ended: () => ends.shift()?.() ?? Promise.reject(new Error('asked too often')) });
    const answer = await send('POST', path, { ...good, waitSeconds: 20 });
    expect(answer).toMatchObject({ status: 200, body: { status: 'succeeded', result: 5 } });
    expect(ends).toEqual([]);
  });

  test('is answered when it has ended, though its workflow goes on', async () => {
    const { send } = connected({
      ended: async (_workflowId, signal) => {
        await api.store.db.updateTable('executions').set({ status: 'succeeded', result: '6' }).execute();
        await new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        });
      },
    });
    const answer = await send('POST', path, { ...good, waitSeconds: 20 });
    expect(answer).toMatchObject({ status: 200, body: { status: 'succeeded', result: 6 } });
  });

  test('which Temporal could not be told of is cancelled, and the answer says that Temporal is away', async () => {
    const started: string[] = [];
    const { send } = connected({
      start: ({ executionId }) => {
        started.push(executionId);
        return Promise.reject(new AfterwordError('temporal_unavailable', 'Temporal cannot be reached: 127.0.0.1'));
      },
    });
    const problem = expectProblem(await send('POST', path, good), 503, 'temporal_unavailable');
    expect(problem.detail).not.toContain('127.0.0.1');
    expect((await api.get(`/api/v1/executions/${started[0] ?? ''}`)).body).toMatchObject({
      status: 'cancelled',
      finishedAt: expect.any(String),
    });
  });
});

test('an unknown kind of executions is refused with those there are', async () => {
  const problem = expectProblem(await api.get('/api/v1/executions?kind=tests'), 400, 'invalid_request');
  expect(problem.detail).toContain('expected one of event, test, tool');
});
