import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { createCodeCheck } from '../../src/sandbox/code-check.ts';
import { createApiUnderTest, expectProblem, type ApiUnderTest } from './api-under-test.ts';

const good = 'def handle_event(context):\n    return 1\n';
const path = '/api/v1/handlers/checked';

let api: ApiUnderTest;
let request: ReturnType<ApiUnderTest['connect']>;

beforeAll(async () => {
  api = await createApiUnderTest();
  const pythonPath = inject('python') ?? 'python3';
  request = api.connect(() => Promise.resolve({ duplicate: false }), {
    checkCode: createCodeCheck({ pythonPath, helperNames: ['add_conversation_tag'] }),
  });
});
afterAll(() => api.close());

const push = (code: string, more: object = {}, query = '') =>
  request.send('PUT', `${path}${query}`, { eventType: 'conversation_closed', code, ...more });

test('a push whose code cannot work is refused with the place of every error, and nothing is stored', async () => {
  const bad = 'def handle_event():\n    add_conversation_tg()\n    jsn\n';
  const problem = expectProblem(await push(bad), 400, 'invalid_handler');
  expect(problem.detail).toBe(
    'The code cannot work: line 1, column 1: handle_event is called with one argument: def handle_event(context): ….',
  );
  expect(problem.errors).toEqual([
    {
      field: 'code',
      message: 'line 1, column 1: handle_event is called with one argument: def handle_event(context): …',
    },
    {
      field: 'code',
      message: 'line 2, column 5: there is no function add_conversation_tg; did you mean add_conversation_tag?',
    },
  ]);
  expectProblem(await request.get(path), 404, 'handler_not_found');
  const syntax = expectProblem(await push('def handle_event(context:\n'), 400, 'invalid_handler');
  expect(syntax.errors[0]?.message).toMatch(/^line 1, column \d+: /);
});

test('warnings are in the answer and do not stop it; the settings’ tool is looked for', async () => {
  const warned = await push(`${good}jsn\n`);
  const findings = [{ severity: 'warning', line: 3, column: 1, message: 'jsn is not defined in this file' }];
  expect(warned).toMatchObject({
    status: 201,
    body: { version: 1, check: { outcome: 'checked', findings, reason: null } },
  });
  const tool = await push('from weni import Tool\nclass Mine(Tool): pass\n', { settings: { tool: 'Yours' } });
  expect(expectProblem(tool, 400, 'invalid_handler').detail).toContain('the tool Yours');
});

test('?validate=false takes code as it is, but not what is no code', async () => {
  const taken = await push('def handle_event(context:\n', {}, '?validate=false');
  expect(taken).toMatchObject({
    body: { check: { outcome: 'skipped', findings: [], reason: 'the push asked for it' } },
  });
  for (const code of ['"\ud800"', '"\0"', '#'.repeat(limits.handlerCodeBytes + 1)]) {
    expectProblem(await push(code, {}, '?validate=false'), 400, 'invalid_handler');
  }
  expectProblem(await push(good, {}, '?validate=maybe'), 400, 'invalid_request');
});

test('a server without a Python takes the code and says that it was not checked', async () => {
  const reason = '/nonexistent/python3 cannot be run';
  const blind = api.connect(() => Promise.resolve({ duplicate: false }), {
    checkCode: createCodeCheck({ pythonPath: '/nonexistent/python3', helperNames: [] }),
  });
  const answer = await blind.send('PUT', path, { eventType: 'conversation_closed', code: 'def (\n' });
  expect(answer).toMatchObject({ status: 200, body: { check: { outcome: 'skipped', reason } } });
  expect(await api.send('PUT', path, { eventType: 'conversation_closed', code: 'def (\n' })).toMatchObject({
    status: 200,
    body: { check: { outcome: 'skipped', reason: 'this server has no Python to read it with' } },
  });
});

test('code is checked without being saved, at its limit and past it', async () => {
  const validate = (body: unknown) => request.send('POST', '/api/v1/handlers/validate', body);
  expect(await validate({ code: 'x = 1' })).toMatchObject({
    status: 200,
    body: { outcome: 'checked', findings: [{ severity: 'error', line: null, column: null }], reason: null },
  });
  const most = good.padEnd(limits.handlerCodeBytes, '#');
  expect(await validate({ code: most })).toMatchObject({ status: 200, body: { findings: [] } });
  expectProblem(await validate({ code: `${most}#` }), 400, 'invalid_handler');
  expectProblem(await validate({ code: good, name: 'x' }), 400, 'invalid_request');
  expectProblem(await validate({ code: good, tool: 'not a name' }), 400, 'invalid_request');
  expectProblem(await request.request('POST', '/api/v1/handlers/validate', { key: null }), 401, 'unauthorized');
});
