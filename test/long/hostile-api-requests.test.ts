import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createApiKey } from '../../src/store/api-keys.ts';
import { expectGoodAnswer, hostileRequest } from '../integration/hostile-api-requests.ts';
import { createWalkedApi } from '../integration/walked-api.ts';

const requests = 10_000;

test(`${requests} generated requests: none fails on our side or hangs, each refusal says what to mend`, async () => {
  const api = await createWalkedApi('embedded');
  try {
    const expired = await createApiKey(api.store.db, 'parcels', 'expired', { expiresAt: new Date(0) });
    const reader = await createApiKey(api.store.db, 'parcels', 'reader', { scopes: ['read'] });
    const keys = { own: api.key, rival: api.rivalKey, expired: expired.key, reader: reader.key };
    const property = fc.asyncProperty(hostileRequest, (request) => expectGoodAnswer(api, keys, request));
    await fc.assert(property, { numRuns: requests, endOnFailure: true });
    expect((await api.get('/api/v1/organization')).status).toBe(200);
  } finally {
    await api.close();
  }
}, 1_800_000);
