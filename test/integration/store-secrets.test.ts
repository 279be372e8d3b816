import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import type { Database } from '../../src/store/database.ts';
import { deleteSecret, listSecrets, missingSecrets, putSecret, sealedSecrets } from '../../src/store/secrets.ts';
import { engines, errorOf, newOrganization, openStoreUnderTest, type StoreUnderTest } from './store-engines.ts';

describe.each(engines)('secrets on %s', (engine) => {
  let underTest: StoreUnderTest;
  let db: Database;
  let org: string;

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine);
    db = underTest.store.db;
  });
  afterAll(() => underTest.dispose());
  beforeEach(async () => {
    org = await newOrganization(db);
  });

  test('are set, changed, listed by name and deleted', async () => {
    expect(await putSecret(db, org, 'ZETA', 'sealed z')).toMatchObject({ created: true, secret: { name: 'ZETA' } });
    const first = await putSecret(db, org, 'ALPHA', 'sealed a');
    const again = await putSecret(db, org, 'ALPHA', 'sealed b');
    expect(again).toMatchObject({ created: false, secret: { createdAt: first.secret.createdAt } });
    expect(Date.parse(again.secret.updatedAt)).toBeGreaterThanOrEqual(Date.parse(first.secret.updatedAt));
    expect((await listSecrets(db, org)).map(({ name }) => name)).toEqual(['ALPHA', 'ZETA']);
    expect([...(await sealedSecrets(db, org, ['ALPHA', 'OTHER']))]).toEqual([['ALPHA', 'sealed b']]);
    expect(await missingSecrets(db, org, ['OTHER', 'ALPHA'])).toEqual(['OTHER']);
    expect(await deleteSecret(db, org, 'ALPHA')).toMatchObject({ name: 'ALPHA' });
    expect((await errorOf(deleteSecret(db, org, 'ALPHA'))).code).toBe('secret_not_found');
  });

  test('are those of one organisation', async () => {
    const rival = await newOrganization(db);
    await putSecret(db, org, 'TOKEN', 'ours');
    await putSecret(db, rival, 'TOKEN', 'theirs');
    expect((await sealedSecrets(db, org, ['TOKEN'])).get('TOKEN')).toBe('ours');
    await deleteSecret(db, rival, 'TOKEN');
    expect(await listSecrets(db, org)).toHaveLength(1);
    expect(await listSecrets(db, rival)).toEqual([]);
  });

  test('are as many as the limit and not one more, also when several are set at once', async () => {
    for (let n = 1; n < limits.secretsPerOrganization; n += 1) await putSecret(db, org, `S${String(n)}`, 'sealed');
    const both = await Promise.allSettled(['A', 'B'].map((name) => putSecret(db, org, name, 'sealed')));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await listSecrets(db, org)).toHaveLength(limits.secretsPerOrganization);
    const fault = await errorOf(putSecret(db, org, 'ONE_MORE', 'sealed'));
    expect(fault).toMatchObject({ code: 'limit_exceeded', message: expect.stringContaining('200 secrets') as string });
    expect(await putSecret(db, org, 'S1', 'changed')).toMatchObject({ created: false });
  });
});
