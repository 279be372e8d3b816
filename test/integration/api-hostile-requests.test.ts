import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiKey } from '../../src/store/api-keys.ts';
import { expectGoodAnswer, hostileRequest, type Keys } from './hostile-api-requests.ts';
import type { Operation } from './openapi-operations.ts';
import { createWalkedApi, rowsOf, type WalkedApi } from './walked-api.ts';

/** The long tests take ten times as many. */
const requests = 1_000;

let api: WalkedApi;
let keys: Keys;
beforeAll(async () => {
  api = await createWalkedApi();
  const expired = await createApiKey(api.store.db, 'parcels', 'expired', { expiresAt: new Date(0) });
  const reader = await createApiKey(api.store.db, 'parcels', 'reader', { scopes: ['read'] });
  keys = { own: api.key, rival: api.rivalKey, expired: expired.key, reader: reader.key };
});
afterAll(() => api.close());

const withBody = () => api.operations.filter(({ bodies }) => Object.keys(bodies).length > 0);

interface Bad {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Its path with ids that there are, and any body. */
async function send(operation: Operation, init: Bad) {
  const [, , , family = ''] = operation.path.split('/');
  const path = operation.path.replaceAll(/\{(\w+)\}/gu, (_, name: string) => String(api.known[`${family}.${name}`]));
  const headers: Record<string, string> = {
    authorization: `Bearer ${await operatorKey()}`,
    'content-type': 'application/json',
    ...init.headers,
  };
  const answer = await api.app.request(path, { ...init, method: operation.method.toUpperCase(), headers });
  return { status: answer.status, text: await answer.text(), what: operation.operationId };
}

let operator: string | undefined;
async function operatorKey(): Promise<string> {
  const options = { scopes: ['admin', 'operator'] } as const;
  return (operator ??= (await createApiKey(api.store.db, 'parcels', 'everything', options)).key);
}

describe('every route that takes a body refuses', () => {
  const badBodies: [string, Bad, readonly number[]][] = [
    ['one that says it is too large', { body: '{}', headers: { 'content-length': '30000000' } }, [413]],
    ['one that is not UTF-8', { body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]) }, [400, 422]],
    ['JSON that ends too early', { body: '{"a": ' }, [400, 422]],
    ['JSON nested beyond any stack', { body: `${'['.repeat(200_000)}${']'.repeat(200_000)}` }, [400, 422]],
    ['another content type', { body: '<a/>', headers: { 'content-type': 'application/xml' } }, [400, 415, 422]],
    ['unknown fields alone', { body: JSON.stringify({ colour: 'red', '\0': '\0' }) }, [400, 422]],
    ['a list of nothing known', { body: JSON.stringify(['\0', null, {}]) }, [400, 422]],
  ];

  test.each(badBodies)('%s', async (_what, init, expected) => {
    for (const operation of withBody()) {
      const { status, text, what } = await send(operation, init);
      // What takes any list answers for each of its items.
      if (status === 200 && text.includes('"problem"')) continue;
      expect(expected, `${what}: ${String(status)} ${text}`).toContain(status);
      expect(text, what).toMatch(/"mend":"[^"]+"|"detail":/);
    }
  });
});

test('every route refuses a key that has expired, and says so', async () => {
  for (const operation of api.operations) {
    const { status, text } = await api.walk(operation, keys.expired);
    expect([operation.operationId, status]).toEqual([operation.operationId, 401]);
    expect(text).toContain('The API key expired at 1970-01-01T00:00:00.000Z.');
  }
});

test('while the database is away every route answers 503 with Retry-After, and nothing is half written', async () => {
  const before = await rowsOf(api.store.db, 'parcels');
  // Its key is known for some seconds more, so that routes are reached.
  expect((await api.get('/api/v1/organization')).status).toBe(200);
  await api.link?.break();
  try {
    for (const operation of api.operations) {
      const { status, text, headers } = await api.walk(operation, api.key);
      if (withoutStore.has(operation.operationId) || status === 403) continue;
      if (operation.operationId === 'postConversationEventsBatch') {
        // One result each.
        expect(text).toContain('{"results":[{"status":503,');
        continue;
      }
      expect(status, `${operation.operationId}: ${text}`).toBe(503);
      expect(headers.get('retry-after'), operation.operationId).toMatch(/^[1-9]\d*$/);
      expect(text).not.toMatch(/ECONN|127\.0\.0\.1|postgres/);
    }
  } finally {
    await api.link?.mend();
  }
  expect((await api.get('/api/v1/organization')).status).toBe(200);
  expect(await rowsOf(api.store.db, 'parcels')).toEqual(before);
});

/** They ask nobody once the key is known, or, a stream, go on until the store is back. */
const withoutStore: ReadonlySet<string> = new Set([
  'getEventTypes',
  'getExecutionsStream',
  'getHelpers',
  'getHelpersTypesDTs',
  'postHandlersValidate',
]);

test(`${requests} generated requests: none fails on our side or hangs, each refusal says what to mend`, async () => {
  const property = fc.asyncProperty(hostileRequest, (request) => expectGoodAnswer(api, keys, request));
  await fc.assert(property, { numRuns: requests, endOnFailure: true });
}, 120_000);
