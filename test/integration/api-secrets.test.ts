import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { testKeys } from '../setup/keys.ts';
import { createApiUnderTest, expectProblem, fieldsOf } from './api-under-test.ts';
import type { Answer, ApiUnderTest } from './api-under-test.ts';

type Connection = ReturnType<ApiUnderTest['connect']>;

let api: ApiUnderTest;
let keyed: Connection;
const answers: Answer[] = [];

beforeAll(async () => {
  api = await createApiUnderTest();
  keyed = api.connect(() => Promise.resolve({ runId: 'run', duplicate: false }), { keys: testKeys });
});
afterAll(() => api.close());

const value = 'a-secret-of-the-parcels';
async function put(name: string, body: unknown = { value }, as?: string): Promise<Answer> {
  const answer = await keyed.send('PUT', `/api/v1/secrets/${name}`, body, as);
  answers.push(answer);
  return answer;
}

describe('secrets', () => {
  test('are set, changed, listed without their values and deleted', async () => {
    expect(await put('CRM_TOKEN')).toMatchObject({ status: 201, body: { name: 'CRM_TOKEN' } });
    expect(await put('CRM_TOKEN', { value: `${value}-2` })).toMatchObject({ status: 200 });
    const list = await keyed.get('/api/v1/secrets');
    const times = { createdAt: expect.any(String) as string, updatedAt: expect.any(String) as string };
    expect(list.body).toEqual({ items: [{ name: 'CRM_TOKEN', ...times }], next: null });
    expect((await keyed.get('/api/v1/secrets', api.rivalKey)).body).toEqual({ items: [], next: null });
    expectProblem(
      await keyed.request('DELETE', '/api/v1/secrets/CRM_TOKEN', { key: api.rivalKey }),
      404,
      'secret_not_found',
    );
    expect(await keyed.request('DELETE', '/api/v1/secrets/CRM_TOKEN')).toMatchObject({
      status: 200,
      body: { name: 'CRM_TOKEN' },
    });
    expectProblem(await keyed.request('DELETE', '/api/v1/secrets/CRM_TOKEN'), 404, 'secret_not_found');
    expectProblem(await keyed.get('/api/v1/secrets/CRM_TOKEN'), 405, 'method_not_allowed');
    expectProblem(await keyed.get('/api/v1/secrets', null), 401, 'unauthorized');
  });

  test('are stored sealed, for their organisation and name', async () => {
    await put('SEALED');
    await put('SEALED', { value }, api.rivalKey);
    const rows = await api.store.db.selectFrom('secrets').selectAll().where('name', '=', 'SEALED').execute();
    expect(JSON.stringify(rows)).not.toContain(value);
    expect(new Set(rows.map(({ sealed }) => sealed)).size).toBe(2);
    for (const { organization_id: organizationId, sealed } of rows) {
      expect(testKeys.open(sealed, ['secret', organizationId, 'SEALED'])).toBe(value);
    }
  });

  const atLimit = `A${'B'.repeat(limits.secretNameCharacters - 1)}`;
  test.each(['A', 'A_1', atLimit])('may be called %s', async (name) => {
    expect(await put(name)).toMatchObject({ status: 201 });
  });
  test.each([`${atLimit}B`, 'crm_token', '1A', '_A', 'A-B', 'A.B', '%C3%84', 'A%20B', 'A%0A'])(
    'may not be called %s',
    async (name) => {
      const problem = expectProblem(await put(name), 400, 'invalid_request');
      expect(problem.detail).toContain('In the path: name: expected at most 64 capital letters');
    },
  );

  test.each<[string, string]>([
    ['as short as the limit', 'x'.repeat(limits.secretCharactersAtLeast)],
    ['as short, with spaces around it', `  ${'x'.repeat(limits.secretCharactersAtLeast)}\n`],
    ['as long as the limit', 'é'.repeat(limits.secretBytes / 2)],
  ])('may have a value %s', async (_what, text) => {
    expect((await put('VALUE', { value: text })).status).toBeLessThan(300);
  });
  test.each<[string, unknown, RegExp]>([
    ['too short', { value: 'x'.repeat(limits.secretCharactersAtLeast - 1) }, /at least 8 characters.*cannot be masked/],
    ['of spaces', { value: ' '.repeat(20) }, /at least 8 characters/],
    ['empty', { value: '' }, /at least 8 characters/],
    ['too long', { value: `${'é'.repeat(limits.secretBytes / 2)}x` }, /at most 8 KB/],
    ['that is a number', { value: 1_234_567_890_123 }, /value: .*string/],
    ['with a NUL', { value: 'a-planted\0value' }, /U\+0000/],
    ['that is missing', {}, /value: is required/],
    ['beside something else', { value: 'a-planted-value', note: 'x' }, /note: is not a known field/],
  ])('may not have a value %s', async (_what, body, detail) => {
    const problem = expectProblem(await put('WRONG', body), 400, 'invalid_request');
    expect(problem.detail).toMatch(detail);
    expect(JSON.stringify(problem)).not.toMatch(/planted|1234567890123|xxxxxxx/);
    expect(fieldsOf(problem)).toHaveLength(1);
  });

  test('cannot be set by a server without a key, which says so; all else works', async () => {
    const answer = await api.send('PUT', '/api/v1/secrets/NO_KEY', { value });
    const problem = expectProblem(answer, 503, 'secrets_key_missing');
    expect(problem.detail).toBe('No key for secrets is configured.');
    expect(problem.mend).toContain('AFTERWORD_SECRETS_KEY');
    expect((await api.get('/api/v1/secrets')).status).toBe(200);
    expect((await api.request('DELETE', '/api/v1/secrets/SEALED')).status).toBe(200);
  });

  test('never show in an answer or in the log', () => {
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(value);
    expect(api.logLines.join('\n')).not.toContain(value);
  });
});

describe('a handler’s settings', () => {
  const code = 'def handle_event(context):\n    return 1\n';
  const push = (secrets: unknown) =>
    keyed.send('PUT', '/api/v1/handlers/granted', { eventType: 'conversation_closed', code, settings: { secrets } });
  const names = (count: number) => Array.from({ length: count }, (_, index) => `S_${String(index)}`);

  test('name secrets; one that does not exist is a warning', async () => {
    await put('THERE');
    const { status, body } = await push(['THERE', 'NOT_THERE']);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      check: {
        findings: [
          {
            severity: 'warning',
            line: null,
            message: expect.stringContaining('`afterword secrets set NOT_THERE`') as string,
          },
        ],
      },
    });
    expect(JSON.stringify(body)).not.toContain('secret THERE');
    expect((await push(['THERE'])).body).toMatchObject({ changed: true, version: 2, check: { findings: [] } });
    expect((await keyed.get('/api/v1/handlers/granted')).body).toMatchObject({ settings: { secrets: ['THERE'] } });
  });

  test('name as many as the limit and not one more', async () => {
    expect((await push(names(limits.secretsPerHandler))).status).toBe(200);
    expectProblem(await push(names(limits.secretsPerHandler + 1)), 400, 'invalid_request');
  });

  test.each<[string, unknown]>([
    ['a secret twice', ['THERE', 'THERE']],
    ['no name of a secret', ['there']],
    ['a text', 'THERE'],
    ['a value', { THERE: 'value' }],
  ])('may not name %s', async (_what, secrets) => {
    expectProblem(await push(secrets), 400, 'invalid_request');
  });
});
