import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { createApiUnderTest, expectProblem, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
beforeAll(async () => {
  api = await createApiUnderTest('postgres');
});
afterAll(() => api.close());

const organization = '/api/v1/organization';

/** As it comes through a socket of that address. */
async function from(remoteAddress: string, key: string, app: ApiUnderTest['app'] = api.app) {
  const headers = { authorization: `Bearer ${key}` };
  const answer = await app.request(organization, { headers }, { incoming: { socket: { remoteAddress } } });
  const body: unknown = await answer.json();
  return { status: answer.status, headers: answer.headers, body };
}

describe('a key', () => {
  test('with a limit of its own is told to wait when it is used up, and others go on', async () => {
    const { key } = await createApiKey(api.store.db, 'parcels', 'slow', { rateLimit: 1 });
    const first = await api.get(organization, key);
    expect(first.status).toBe(200);
    expect(first.headers.get('ratelimit-policy')).toBe('"key";q=2;w=2');
    expect(first.headers.get('ratelimit')).toMatch(/^"key";r=1;t=[12]$/);
    // A slow machine may have filled it again in between: never more than one a second.
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.get(organization, key)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(5);
    for (const answer of refused) {
      expect(expectProblem(answer, 429, 'too_many_requests').detail).toBe('The key may make 1 requests a second.');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    expect((await api.get(organization)).status).toBe(200);
    await expect.poll(async () => (await api.get(organization, key)).status, { interval: 300 }).toBe(200);
  });

  test('without one has that of the server', async () => {
    const { request } = api.connect(() => Promise.resolve({ duplicate: false }), {
      rateLimit: { perSecond: 0.001, burst: 3 },
    });
    const statuses = [];
    for (let n = 0; n < 4; n += 1) statuses.push((await request('GET', organization)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    expect((await request('GET', organization, { key: api.rivalKey })).status).toBe(200);
  });
});

describe('an address that sends keys which nobody knows', () => {
  test('is told to wait, while keys that were good there and other addresses go on', async () => {
    const guess = (n: number) => `aw_${String(n).padStart(43, '0')}`;
    expect((await from('203.0.113.7', api.key)).status).toBe(200);
    const guesses = [];
    for (let n = 0; n < limits.failedKeys; n += 1) guesses.push(await from('203.0.113.7', guess(n)));
    expect(new Set(guesses.map(({ status }) => status))).toEqual(new Set([401]));
    const refused = async () => {
      const answer = await from('203.0.113.7', guess(limits.failedKeys));
      return answer.status === 429 ? answer : undefined;
    };
    // Time passed meanwhile gives single tries back.
    await expect.poll(refused).toBeDefined();
    const answer = await refused();
    if (answer !== undefined) expectProblem(answer, 429, 'too_many_requests');
    expect((await from('203.0.113.7', api.key)).status).toBe(200);
    expect((await from('203.0.113.8', guess(1))).status).toBe(401);
  });

  test('of IPv6 is a whole network', async () => {
    const guess = 'aw_of-nobody-of-nobody-of-nobody-of-nobody-of-n';
    const { app } = api.connect(() => Promise.resolve({ duplicate: false }));
    const statuses = new Set<number>();
    for (let n = 0; n < 3 * limits.failedKeys; n += 1) {
      statuses.add((await from(`2001:db8::1:${n.toString(16)}`, guess, app)).status);
    }
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await from('2001:db8:0:1::1', guess, app)).status).toBe(401);
  });
});
