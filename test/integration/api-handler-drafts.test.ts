import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ListedHandler } from '../../src/contract/handler-list.ts';
import type { DescribedHelper } from '../../src/contract/helper-registry.ts';
import { eventTypeNames } from '../../src/domain/event-types.ts';
import { limits } from '../../src/domain/limits.ts';
import { declarations } from '../../src/handler-types/declarations.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { createCodeCheck } from '../../src/sandbox/code-check.ts';
import '../setup/provided.ts';
import { anEvent, createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;

beforeAll(async () => {
  api = await createApiUnderTest();
});
afterAll(() => api.close());

const code = (answer: number) => `def handle_event(context):\n    return ${String(answer)}\n`;
const pathOf = (name: string, more = '') => `/api/v1/handlers/${name}${more}`;
const push = (name: string, body: object = {}) =>
  api.send('PUT', pathOf(name), { eventType: 'conversation_closed', code: code(1), ...body });
const draft = (name: string, body: object = {}) => api.send('PUT', pathOf(name, '/draft'), { code: code(2), ...body });
const deploy = (name: string, body: object = {}) => api.send('POST', pathOf(name, '/deploy'), body);

async function listed(name: string): Promise<ListedHandler | undefined> {
  const { body } = await api.get('/api/v1/handlers');
  return (body as { items: unknown[] }).items.map((item) => ListedHandler.parse(item)).find((one) => one.name === name);
}

describe('a draft', () => {
  test('is saved, runs nothing, and becomes the next version with a note', async () => {
    await push('a');
    const saved = await draft('a', { settings: { attempts: 5 } });
    expect(saved).toMatchObject({
      status: 200,
      body: { name: 'a', eventType: 'conversation_closed', code: code(2), baseVersion: 1, currentVersion: 1 },
    });
    expect(await api.get(pathOf('a'))).toMatchObject({
      body: { version: 1, code: code(1), settings: { attempts: 3 } },
    });
    expect(await listed('a')).toMatchObject({ version: 1, draft: { baseVersion: 1 }, lastExecution: null });
    expect(await api.get('/api/v1/handler-drafts')).toMatchObject({ body: { items: [{ name: 'a' }] } });

    expect(await deploy('a', { note: 'two' })).toMatchObject({
      status: 200,
      body: { version: 2, changed: true, created: false, check: { outcome: 'skipped' } },
    });
    expect(await api.get(pathOf('a', '/versions/2'))).toMatchObject({
      body: { code: code(2), note: 'two', settings: { attempts: 5 }, current: true },
    });
    expect(await api.get(pathOf('a', '/versions/1'))).toMatchObject({ body: { code: code(1), current: false } });
    expectProblem(await api.get(pathOf('a', '/versions/3')), 404, 'version_not_found');
    expect((await listed('a'))?.draft).toBeNull();
    expectProblem(await deploy('a'), 404, 'draft_not_found');
    expectProblem(await api.get(pathOf('a', '/draft')), 404, 'draft_not_found');
  });

  test('is refused where somebody deployed meanwhile, and where it was saved anew', async () => {
    await push('b');
    await draft('b');
    await push('b', { code: code(7) });
    expect(await api.get(pathOf('b', '/draft'))).toMatchObject({ body: { baseVersion: 1, currentVersion: 2 } });
    const refused = expectProblem(await deploy('b', { expectedVersion: 1 }), 409, 'handler_changed');
    expect(refused.detail).toContain('version 2');
    expectProblem(await deploy('b', { expectedVersion: 0 }), 409, 'handler_changed');
    expect(await deploy('b', { expectedVersion: 2 })).toMatchObject({ status: 200, body: { version: 3 } });
  });

  test('makes a new handler when it is deployed, which may be off', async () => {
    expect(fieldsOf(expectProblem(await draft('c'), 400, 'invalid_request'))).toEqual(['eventType']);
    expect(await draft('c', { eventType: 'conversation_handed_off' })).toMatchObject({
      body: { baseVersion: null, currentVersion: null },
    });
    expectProblem(await api.get(pathOf('c')), 404, 'handler_not_found');
    expectProblem(await deploy('c', { expectedVersion: 1 }), 409, 'handler_changed');
    expect(await deploy('c', { expectedVersion: 0, enabled: false })).toMatchObject({
      status: 201,
      body: { version: 1, enabled: false, created: true },
    });
    expectProblem(await draft('c', { eventType: 'conversation_closed' }), 409, 'handler_event_type_fixed');
  });

  test('can be thrown away; nobody else sees it', async () => {
    await push('d');
    await draft('d');
    expectProblem(await api.get(pathOf('d', '/draft'), api.rivalKey), 404, 'draft_not_found');
    expectProblem(await api.send('POST', pathOf('d', '/deploy'), {}, api.rivalKey), 404, 'draft_not_found');
    expectProblem(await api.request('DELETE', pathOf('d', '/draft'), { key: api.rivalKey }), 404, 'draft_not_found');
    expect(await api.request('DELETE', pathOf('d', '/draft'))).toMatchObject({ status: 200, body: { name: 'd' } });
    expectProblem(await api.request('DELETE', pathOf('d', '/draft')), 404, 'draft_not_found');
  });

  test('takes code of 256 KB, and refuses one byte more', async () => {
    const most = '#'.repeat(limits.handlerCodeBytes);
    expect((await draft('e', { eventType: 'conversation_closed', code: most })).status).toBe(200);
    expectProblem(await draft('e', { eventType: 'conversation_closed', code: `${most}#` }), 400, 'invalid_handler');
  });

  test('may hold code that cannot work, which is said; deploying it is refused', async () => {
    const checkCode = createCodeCheck({ pythonPath: inject('python') ?? 'python3', helperNames: [] });
    const { send } = api.connect(() => Promise.resolve({ duplicate: false }), { checkCode });
    const broken = { eventType: 'conversation_closed', code: 'def handle_event(context:\n' };
    expect(await send('PUT', pathOf('f', '/draft'), broken)).toMatchObject({
      status: 200,
      body: { check: { outcome: 'checked', findings: [{ severity: 'error', line: 1 }] } },
    });
    expectProblem(await send('POST', pathOf('f', '/deploy'), {}), 400, 'invalid_handler');
    expect(await send('POST', pathOf('f', '/deploy?validate=false'), {})).toMatchObject({ status: 201 });
  });
});

describe('versions', () => {
  test('are compared with each other and with the draft', async () => {
    await push('g');
    await push('g', { code: code(2), settings: { attempts: 1 } });
    const between = await api.get(pathOf('g', '/diff?from=1&to=2'));
    expect(between).toMatchObject({ status: 200, body: { from: 'version 1', to: 'version 2' } });
    const { code: diff, settings } = between.body as { code: string; settings: string };
    expect(diff).toBe(
      '--- version 1\n+++ version 2\n@@ -1,2 +1,2 @@\n def handle_event(context):\n-    return 1\n+    return 2\n',
    );
    expect(settings).toContain('-  "attempts": 3\n+  "attempts": 1\n');
    expect(await api.get(pathOf('g', '/diff?from=2&to=2'))).toMatchObject({ body: { code: '', settings: '' } });
    expectProblem(await api.get(pathOf('g', '/diff')), 404, 'draft_not_found');
    await draft('g', { code: code(3), settings: { attempts: 1 } });
    expect(await api.get(pathOf('g', '/diff'))).toMatchObject({
      body: { from: 'version 2', to: 'draft', settings: '' },
    });
    expectProblem(await api.get(pathOf('g', '/diff?from=9&to=1')), 404, 'version_not_found');
    for (const query of ['from=0', 'to=x', 'from=1.5', 'of=1']) {
      expectProblem(await api.get(pathOf('g', `/diff?${query}`)), 400, 'invalid_request');
    }
  });

  test('are made by changed settings alone; null takes a setting away', async () => {
    await push('h', { settings: { attempts: 2, delaySeconds: 5 } });
    const patch = (body: object) => api.send('PATCH', pathOf('h', '/settings'), body);
    expect(await patch({ settings: { attempts: 4, delaySeconds: null }, note: 'four' })).toMatchObject({
      status: 200,
      body: { version: 2, changed: true },
    });
    expect(await api.get(pathOf('h'))).toMatchObject({ body: { code: code(1), settings: { attempts: 4 } } });
    expect((await api.get(pathOf('h'))).body).not.toHaveProperty('settings.delaySeconds');
    expect(await patch({ settings: { attempts: 4 } })).toMatchObject({ body: { version: 2, changed: false } });
    expectProblem(await patch({ settings: { attempts: 5 }, expectedVersion: 1 }), 409, 'handler_changed');
    expect(fieldsOf(expectProblem(await patch({ settings: { attempts: 11 } }), 400, 'invalid_request'))).toEqual([
      'settings.attempts',
    ]);
    expect(fieldsOf(expectProblem(await patch({ settings: { tries: 1 } }), 400, 'invalid_request'))).toEqual([
      'settings.tries',
    ]);
  });
});

describe('a deleted handler', () => {
  test('runs no more; its executions stay, and its name can be used again', async () => {
    const { body } = await push('gone', { eventType: 'conversation_reopened' });
    const { id } = body as { id: string };
    await draft('gone');
    await api.send('POST', '/api/v1/conversation-events', anEvent({ id: 're-1', type: 'conversation_reopened' }));
    expect((await listed('gone'))?.lastExecution).toMatchObject({ status: 'waiting' });
    expectProblem(await api.request('DELETE', pathOf('gone'), { key: api.rivalKey }), 404, 'handler_not_found');

    expect(await api.request('DELETE', pathOf('gone'))).toMatchObject({ status: 200, body: { id, enabled: false } });
    expect(await listed('gone')).toBeUndefined();
    for (const path of [pathOf('gone'), pathOf(id), pathOf('gone', '/versions')]) {
      expectProblem(await api.get(path), 404, 'handler_not_found');
    }
    expectProblem(await api.get(pathOf('gone', '/draft')), 404, 'draft_not_found');
    const repeated = anEvent({ id: 're-2', type: 'conversation_reopened' });
    await api.send('POST', '/api/v1/conversation-events', repeated);
    for (const handler of [id, 'gone']) {
      expect(await api.get(`/api/v1/executions?handler=${handler}`)).toMatchObject({
        body: { items: [{ handlerName: 'gone', handlerVersion: 1 }], next: null },
      });
    }
    expect(await push('gone', { code: code(9) })).toMatchObject({ status: 201, body: { version: 1, created: true } });
    expect(await api.get('/api/v1/executions?handler=gone')).toMatchObject({ body: { items: [] } });
  });
});

describe('what handlers are written with', () => {
  test('is told: helpers in both languages, their types, the types of events', async () => {
    const { status, body } = await api.get('/api/v1/helpers');
    expect(status).toBe(200);
    const { items } = body as { items: DescribedHelper[] };
    expect(items.map(({ name }) => name)).toEqual(helpers.map(({ name }) => name));
    expect(items.find(({ name }) => name === 'add_conversation_tag')).toMatchObject({
      python: 'add_conversation_tag(context, tag)',
      effect: 'write',
      inTestRun: expect.stringContaining('nothing is written') as string,
    });
    expect(items.find(({ name }) => name === 'register_event')?.inTestRun).toContain('nowhere');
    const typesOf = async (query: string) =>
      (
        await api.app.request(`/api/v1/helpers/types.d.ts${query}`, { headers: { authorization: `Bearer ${api.key}` } })
      ).text();
    expect(await typesOf('')).toBe(declarations());
    const narrow = await typesOf('?eventType=conversation_closed');
    expect(narrow).toContain("type EventType = 'conversation_closed';");
    expect(narrow).not.toContain('HandedOffContext');
    expectProblem(await api.get('/api/v1/helpers/types.d.ts?eventType=closed'), 400, 'invalid_request');
    expect(await api.get('/api/v1/event-types')).toMatchObject({
      body: { items: eventTypeNames.map((name) => ({ name })), next: null },
    });
  });
});
