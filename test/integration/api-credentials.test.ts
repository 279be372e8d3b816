import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { startLlmStandIn, type LlmStandIn } from '../../src/dev/stand-ins/llm.ts';
import { openOrganizationServices } from '../../src/organization-services.ts';
import { createHttpGateway, type HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import type { HelperServices } from '../../src/helpers/services.ts';
import { testKeys } from '../setup/keys.ts';
import { createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';
import { errorOf } from './store-engines.ts';

let api: ApiUnderTest;
let llm: LlmStandIn;
let google: GoogleStandIn;
let gateway: HttpGateway;
let http: Pick<ApiUnderTest, 'send' | 'get' | 'request'>;
beforeAll(async () => {
  [api, llm, google] = await Promise.all([
    createApiUnderTest('postgres'),
    startLlmStandIn({ key: 'sk-of-the-organisation' }),
    startGoogleStandIn(),
  ]);
  http = api.connect(() => Promise.resolve({ duplicate: false }), { keys: testKeys });
  gateway = createHttpGateway({ openNetworks: ['127.0.0.1'], origins: new Map() });
});
afterAll(async () => {
  await Promise.all([api.close(), llm.close(), google.close(), gateway.close()]);
});

const llmPath = '/api/v1/credentials/llm';
const googlePath = '/api/v1/credentials/google';
const ours = () => ({ apiKey: 'sk-of-the-organisation', baseUrl: llm.baseUrl, model: 'model-of-theirs' });

function serviceAccount(): Record<string, unknown> {
  return JSON.parse(google.credentials) as Record<string, unknown>;
}

interface Configured {
  llm?: { apiKey: string; model?: string };
  sharedCredentials?: boolean;
  gateway?: HttpGateway;
}

/** As a worker has them that was configured for the organisation `example`. */
function services(of: string, configured: Configured = {}): HelperServices {
  const { apiKey, model = 'model-of-the-operator' } = configured.llm ?? {};
  const settings = {
    apiKey,
    model,
    baseUrl: apiKey === undefined ? undefined : llm.baseUrl,
    api: 'responses',
  } as const;
  const open = openOrganizationServices({
    store: api.store,
    keys: testKeys,
    config: {
      llm: settings,
      google: { credentials: undefined, rootUrl: google.url },
      organization: 'example',
      sharedCredentials: configured.sharedCredentials ?? false,
    },
  });
  return open(configured.gateway ?? gateway)(of);
}

const ask = ({ llm: asked }: HelperServices) =>
  asked.choose({
    prompt: 'Is it about a refund?',
    input: 'a refund',
    options: ['true', 'false'],
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  });

const append = ({ sheets }: HelperServices, spreadsheetId: string) =>
  sheets.append({
    spreadsheetId,
    data: { Name: 'Ada' },
    key: 'execution/add_google_sheets_row/1',
    maybeWritten: false,
    dryRun: false,
    timeoutMs: 10_000,
    signal: new AbortController().signal,
  });

describe('the LLM credentials of an organisation', () => {
  test('are set, shown without the key, and deleted', async () => {
    expectProblem(await http.get(llmPath), 404, 'credentials_not_found');
    const set = await http.send('PUT', llmPath, ours());
    const shown = { apiKeyEnd: 'tion', baseUrl: llm.baseUrl, model: 'model-of-theirs', api: 'responses' };
    expect(set).toMatchObject({ status: 200, body: shown });
    expect((await http.get(llmPath)).body).toEqual(set.body);
    expectProblem(await http.get(llmPath, api.rivalKey), 404, 'credentials_not_found');
    const { sealed, shown: kept } = await api.store.db.selectFrom('credentials').selectAll().executeTakeFirstOrThrow();
    expect(sealed + kept).not.toContain('sk-of-the-organisation');
    const audit = JSON.stringify((await http.get('/api/v1/audit')).body);
    expect(audit).toContain('credentials.llm.set');
    expect(audit).not.toContain('sk-of-the-organisation');
    expect((await http.request('DELETE', llmPath)).body).toEqual(set.body);
    expectProblem(await http.request('DELETE', llmPath), 404, 'credentials_not_found');
  });

  test('are used by its helpers from the next call on, and by nobody else’s', async () => {
    const parcels = services('parcels');
    expect(await errorOf(ask(parcels))).toMatchObject({
      code: 'llm_not_configured',
      message: expect.stringContaining('PUT /api/v1/credentials/llm'),
    });
    await http.send('PUT', llmPath, ours());
    expect(await ask(parcels)).toBe('true');
    expect(llm.received.at(-1)).toMatchObject({ body: expect.stringContaining('model-of-theirs') });
    expect((await errorOf(ask(services('rival')))).code).toBe('llm_not_configured');
    await http.send('PUT', llmPath, { ...ours(), model: undefined });
    expect(await ask(parcels)).toBe('true');
    expect(llm.received.at(-1)).toMatchObject({ body: expect.stringContaining('model-of-the-operator') });
    await http.send('PUT', llmPath, { ...ours(), apiKey: 'sk-that-is-wrong' });
    expect((await errorOf(ask(parcels))).code).toBe('llm_failed');
    await http.request('DELETE', llmPath);
    expect((await errorOf(ask(parcels))).code).toBe('llm_not_configured');
  });

  test('of the operator are those of the operator’s own organisation, unless they are shared', async () => {
    const configured = { llm: { apiKey: 'sk-of-the-organisation' } };
    expect(await ask(services('example', configured))).toBe('true');
    expect((await errorOf(ask(services('rival', configured)))).code).toBe('llm_not_configured');
    expect(await ask(services('rival', { ...configured, sharedCredentials: true }))).toBe('true');
  });

  test('reach no private address, whatever their URL says', async () => {
    await http.send('PUT', llmPath, ours());
    const strict = createHttpGateway({ openNetworks: [], origins: new Map() });
    const before = llm.received.length;
    const refused = await errorOf(ask(services('parcels', { gateway: strict })));
    expect(refused).toMatchObject({ code: 'llm_failed', message: expect.stringContaining('private or local address') });
    expect(llm.received).toHaveLength(before);
    await strict.close();
  });

  test('that were moved in the database do not open', async () => {
    await http.send('PUT', llmPath, ours());
    await api.store.db.deleteFrom('credentials').where('organization_id', '=', 'rival').execute();
    await api.store.db.updateTable('credentials').set({ organization_id: 'rival' }).execute();
    expect((await errorOf(ask(services('rival')))).code).toBe('sealed_text_damaged');
    await api.store.db.deleteFrom('credentials').execute();
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no key', { apiKey: undefined }, 'apiKey'],
    ['too short a key', { apiKey: 'sk-1234' }, 'apiKey'],
    ['too long a key', { apiKey: 'k'.repeat(limits.llmApiKeyCharacters + 1) }, 'apiKey'],
    ['a key that is no header', { apiKey: 'sk-with a space' }, 'apiKey'],
    ['an address that is none', { baseUrl: 'localhost' }, 'baseUrl'],
    ['another protocol', { baseUrl: 'file:///etc/passwd' }, 'baseUrl'],
    ['an address with a password', { baseUrl: 'https://me:secret-word@llm.example.com/v1' }, 'baseUrl'],
    ['too long a model', { model: 'm'.repeat(limits.llmModelCharacters + 1) }, 'model'],
    ['another API', { api: 'soap' }, 'api'],
  ])('are refused with %s', async (_what, change, field) => {
    const answer = await http.send('PUT', llmPath, { ...ours(), ...change });
    const problem = expectProblem(answer, 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual([field]);
    expect(JSON.stringify(problem)).not.toContain('secret-word');
  });

  test('are taken with the longest key and model', async () => {
    const longest = {
      apiKey: 'k'.repeat(limits.llmApiKeyCharacters),
      model: 'm'.repeat(limits.llmModelCharacters),
    };
    expect((await http.send('PUT', llmPath, longest)).status).toBe(200);
    await http.request('DELETE', llmPath);
  });

  test('need a key to be sealed with', async () => {
    expectProblem(await api.send('PUT', llmPath, ours()), 503, 'secrets_key_missing');
  });
});

describe('the Google credentials of an organisation', () => {
  test('are set, shown by their e-mail address, used, and deleted', async () => {
    google.create('of-parcels', { rows: [['Name']] });
    const parcels = services('parcels');
    expect(await errorOf(append(parcels, 'of-parcels'))).toMatchObject({ code: 'google_not_configured' });
    const set = await http.send('PUT', googlePath, { ...serviceAccount(), project_id: 'not kept' });
    expect(set).toMatchObject({ status: 200, body: { clientEmail: serviceAccount().client_email } });
    expect(JSON.stringify(set.body)).not.toContain('PRIVATE');
    expect(await append(parcels, 'of-parcels')).toMatchObject({ updatedRange: 'Sheet1!A2:A2' });
    expect((await errorOf(append(services('rival'), 'of-parcels'))).code).toBe('google_not_configured');
    expect((await http.get(googlePath)).body).toEqual(set.body);
    expect((await http.request('DELETE', googlePath)).status).toBe(200);
    expect((await errorOf(append(parcels, 'of-parcels'))).code).toBe('google_not_configured');
  });

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  test.each<[string, Record<string, unknown>, string]>([
    ['of a user', { type: 'authorized_user' }, 'type'],
    ['without an address', { client_email: 'nobody' }, 'client_email'],
    ['with a key that is none', { private_key: '-----BEGIN PRIVATE KEY-----\nplanted\n' }, 'private_key'],
    ['without a key', { private_key: undefined }, 'private_key'],
  ])('are refused %s', async (_what, change, field) => {
    const account = { type: 'service_account', client_email: 'a@example.com', private_key: pem, ...change };
    const problem = expectProblem(await http.send('PUT', googlePath, account), 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual([field]);
    expect(JSON.stringify(problem)).not.toContain('planted');
  });
});
