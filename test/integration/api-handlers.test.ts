import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { createApiUnderTest, expectProblem, fieldsOf } from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
const code = 'def handle_event(context):\n    return "one"\n';
const push = (name: string, change: Record<string, unknown> = {}) =>
  api.send('PUT', `/api/v1/handlers/${name}`, { name, eventType: 'conversation_closed', code, ...change });

beforeAll(async () => {
  api = await createApiUnderTest();
});

afterAll(async () => {
  await api.close();
});

describe('handlers', () => {
  test('a first push creates, the same again changes nothing, other code makes a version', async () => {
    const first = await push('summary');
    expect(first.status).toBe(201);
    expect(first.body).toMatchObject({ name: 'summary', enabled: true, version: 1, created: true, changed: true });
    const same = await push('summary');
    expect(same.status).toBe(200);
    expect(same.body).toMatchObject({ version: 1, created: false, changed: false });
    const other = await push('summary', { code: `${code}# two\n`, note: 'the second' });
    expect(other.body).toMatchObject({ version: 2, created: false, changed: true });
    const settings = await push('summary', { code: `${code}# two\n`, settings: { attempts: 5 } });
    expect(settings.body).toMatchObject({ version: 3, changed: true });
    expect((await api.get('/api/v1/handlers/summary')).body).toMatchObject({
      code: `${code}# two\n`,
      settings: { attempts: 5 },
      eventType: 'conversation_closed',
    });
  });

  test('versions are listed newest first, and one can go back to', async () => {
    await push('back');
    await push('back', { code: 'two = 2' });
    const versions = (await api.get('/api/v1/handlers/back/versions')).body as { items: unknown[] };
    expect(versions.items).toMatchObject([
      { version: 2, code: 'two = 2', current: true },
      { version: 1, code, current: false },
    ]);
    const rolledBack = await api.send('POST', '/api/v1/handlers/back/rollback', { version: 1 });
    expect(rolledBack.body).toMatchObject({ version: 1 });
    expectProblem(await api.send('POST', '/api/v1/handlers/back/rollback', { version: 3 }), 404, 'version_not_found');
  });

  test.each([[{}], [{ version: 0 }], [{ version: '1' }], [{ version: 2 ** 31 }], [{ version: 1, x: 1 }]])(
    'a rollback to %j is refused',
    async (body) => {
      expectProblem(await api.send('POST', '/api/v1/handlers/back/rollback', body), 400, 'invalid_request');
    },
  );

  test('is switched off and on again', async () => {
    await push('switch');
    expect((await api.request('POST', '/api/v1/handlers/switch/disable')).body).toMatchObject({ enabled: false });
    expect((await api.request('POST', '/api/v1/handlers/switch/disable')).body).toMatchObject({ enabled: false });
    await push('switch', { code: 'x = 1' });
    expect((await api.get('/api/v1/handlers/switch')).body).toMatchObject({ enabled: false, version: 2 });
    expect((await api.request('POST', '/api/v1/handlers/switch/enable')).body).toMatchObject({ enabled: true });
  });

  test('are listed by name', async () => {
    await push('aaa');
    const { items, next } = (await api.get('/api/v1/handlers')).body as { items: { name: string }[]; next: null };
    expect(next).toBeNull();
    expect(items.map(({ name }) => name)).toEqual(items.map(({ name }) => name).toSorted());
    expect(items[0]).not.toHaveProperty('code');
  });

  test('a handler keeps its event type', async () => {
    await push('fixed');
    expectProblem(await push('fixed', { eventType: 'conversation_handed_off' }), 409, 'handler_event_type_fixed');
  });

  test.each([
    ['an unknown event type', { eventType: 'nothing' }, ['eventType']],
    ['no code', { code: undefined }, ['code']],
    ['empty code', { code: '' }, ['code']],
    ['another language', { language: 'perl' }, ['language']],
    ['no attempts', { settings: { attempts: 0 } }, ['settings.attempts']],
    ['eleven attempts', { settings: { attempts: 11 } }, ['settings.attempts']],
    ['a negative delay', { settings: { delaySeconds: -1 } }, ['settings.delaySeconds']],
    ['half a second of delay', { settings: { delaySeconds: 0.5 } }, ['settings.delaySeconds']],
    [
      'a second more than seven days of delay',
      { settings: { delaySeconds: limits.maxDelaySeconds + 1 } },
      ['settings.delaySeconds'],
    ],
    ['cancelOn of an unknown type', { settings: { cancelOn: ['conversation_lost'] } }, ['settings.cancelOn.0']],
    [
      'cancelOn of one type twice',
      { settings: { cancelOn: ['conversation_reopened', 'conversation_reopened'] } },
      ['settings.cancelOn'],
    ],
    ['an unknown setting', { settings: { retries: 1 } }, ['settings.retries']],
    ['another name than in the path', { name: 'other' }, ['name']],
    ['a note too long', { note: 'n'.repeat(1_001) }, ['note']],
  ])('a push with %s names the field', async (_what, change, fields) => {
    expect(fieldsOf(expectProblem(await push('wrong', change), 400, 'invalid_request'))).toEqual(fields);
  });

  test.each(['UPPER', '-x', 'a b', 'ä', 'a'.repeat(limits.handlerNameCharacters + 1)])(
    'the name %j is refused',
    async (name) => {
      expect(
        fieldsOf(expectProblem(await push(encodeURIComponent(name), { name: undefined }), 400, 'invalid_request')),
      ).toEqual(['name']);
    },
  );

  test('takes a delay of seven days, and says the limit past it', async () => {
    const delay = (delaySeconds: number) => push('patient', { settings: { delaySeconds } });
    expect((await delay(limits.maxDelaySeconds)).status).toBe(201);
    expect((await delay(0)).status).toBe(200);
    const eightDays = expectProblem(await delay(8 * 24 * 60 * 60), 400, 'invalid_request');
    expect(eightDays.detail).toContain('settings.delaySeconds: must be at most 604800');
  });

  test('a handler cannot be cancelled by its own type', async () => {
    const settings = { cancelOn: ['conversation_reopened', 'conversation_closed'] };
    const problem = expectProblem(await push('circular', { settings }), 400, 'invalid_handler');
    expect(fieldsOf(problem)).toEqual(['settings.cancelOn']);
    expect(problem.detail).toContain('conversation_closed, the handler’s own type');
  });

  test('takes 256 KB of code and refuses one byte more', async () => {
    const most = `#${'ä'.repeat(limits.handlerCodeBytes / 2 - 1)}\n`;
    expect(Buffer.byteLength(most)).toBe(limits.handlerCodeBytes);
    expect((await push('large', { code: most })).status).toBe(201);
    expect(fieldsOf(expectProblem(await push('larger', { code: `${most}\n` }), 400, 'invalid_handler'))).toEqual([
      'code',
    ]);
  });

  test.each([
    ['a NUL character', 'a = 1\nb = "\0"', 'line 2'],
    ['half of a surrogate pair', 'a = "\ud83c"', 'line 1'],
  ])('refuses code with %s and says where', async (_what, bad, where) => {
    expect(expectProblem(await push('bad', { code: bad }), 400, 'invalid_handler').detail).toContain(where);
  });

  test('takes code with emoji', async () => {
    await push('emoji', { code: 'x = "🎈"' });
    expect((await api.get('/api/v1/handlers/emoji')).body).toMatchObject({ code: 'x = "🎈"' });
  });

  test('twenty pushes at once of new code make one version each, and none is lost', async () => {
    await push('busy');
    await Promise.all(Array.from({ length: 20 }, (_, n) => push('busy', { code: `x = ${n}` })));
    const { items } = (await api.get('/api/v1/handlers/busy/versions')).body as { items: { version: number }[] };
    expect(items.map(({ version }) => version)).toEqual(Array.from({ length: 21 }, (_, n) => 21 - n));
  });
});
