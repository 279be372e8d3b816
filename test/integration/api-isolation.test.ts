import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allows, scopes, type Scope } from '../../src/domain/scopes.ts';
import { createApiKey } from '../../src/store/api-keys.ts';
import { ensureOrganization } from '../../src/store/organizations.ts';
import type { Operation } from './openapi-operations.ts';
import { createWalkedApi, planted, rowsOf, type WalkedApi } from './walked-api.ts';

/** Routes that are added later are walked too: where one of them fails here, its family wants a row in walked-api.ts. */
let api: WalkedApi;
beforeAll(async () => {
  api = await createWalkedApi();
});
afterAll(() => api.close());

const isChange = ({ method, scopes: [scope], changesNothing }: Operation) =>
  method !== 'get' && scope !== 'read' && scope !== 'publish' && !changesNothing;

/** What is there is read before it is changed, and changed before it is deleted; parts go before the whole. */
function inOrder(operations: readonly Operation[]): Operation[] {
  const of = (wanted: (method: string) => boolean) => operations.filter(({ method }) => wanted(method));
  const deletes = of((method) => method === 'delete').toSorted((a, b) => b.path.length - a.path.length);
  return [...of((method) => method === 'get'), ...of((method) => !['get', 'delete'].includes(method)), ...deletes];
}

test('every route under /api says which scope it needs', () => {
  expect(api.operations.length).toBeGreaterThan(35);
  const wrong = api.operations.filter(({ scopes: [scope, ...more] }) => more.length > 0 || !isScope(scope));
  expect(wrong.map(({ operationId }) => operationId)).toEqual([]);
});

test('of no route another organisation learns anything, or changes anything, by ids that are not its own', async () => {
  const before = await rowsOf(api.store.db, 'parcels');
  // Rows of every kind, so that finding nothing means something.
  expect(Object.keys(before).filter((table) => before[table]?.length === 0 && !emptyTables.has(table))).toEqual([]);
  for (const operation of api.operations) {
    const { status, text } = await api.walk(operation, api.rivalKey);
    expect(text, operation.operationId).not.toContain(planted);
    expect(status, `${operation.operationId}: ${text}`).toBeLessThan(500);
  }
  expect(await rowsOf(api.store.db, 'parcels')).toEqual(before);
});

/** Shown by no route of their own. */
const emptyTables: ReadonlySet<string> = new Set([
  'direct_runs',
  'idempotency_keys',
  'replayed_calls',
  'test_run_writes',
]);

describe('a key', () => {
  test.each(scopes.map((scope) => [scope] as const))(
    'with the scope %s may do what needs it, and no more',
    async (scope) => {
      await ensureOrganization(api.store.db, { id: `of-${scope}`, name: scope });
      const { key } = await createApiKey(api.store.db, `of-${scope}`, scope, { scopes: [scope] });
      for (const operation of api.operations) {
        const [needed] = operation.scopes;
        if (!isScope(needed)) continue;
        const { status, text } = await api.walk(operation, key);
        const allowed = allows([scope], needed);
        expect(status === 403, `${operation.operationId} needs ${needed}: ${String(status)} ${text}`).toBe(!allowed);
        if (!allowed) expect(text).toContain(`This needs a key with the scope \\"${needed}\\"`);
        expect(status, operation.operationId).not.toBe(401);
      }
    },
  );
});

/** What others of the walk have used up. */
const needed: Readonly<Record<string, () => Promise<unknown>>> = {
  deleteHandlersByNameDraft: () =>
    api.send('PUT', '/api/v1/handlers/planted/draft', { code: 'def handle_event(context):\n    return 2\n' }),
};

test('the organisation itself gets answers by the same requests, and each change stands in its audit log', async () => {
  const operations = inOrder(api.operations.filter(({ scopes: [scope] }) => scope !== 'operator'));
  const refused: string[] = [];
  const unaudited: string[] = [];
  for (const operation of operations) {
    const requestId = `walk-${operation.operationId}`;
    await needed[operation.operationId]?.();
    const { status, text } = await api.walk(operation, api.key, { 'x-request-id': requestId });
    // 409: its state has no place for it; 429 and what a worker would have to answer are no faults of the request.
    if (status >= 400 && status !== 409) refused.push(`${operation.operationId}: ${String(status)} ${text}`);
    if (status >= 400) continue;
    const entries = await api.store.db
      .selectFrom('audit_entries')
      .select(['action', 'who'])
      .where('organization_id', '=', 'parcels')
      .where('request_id', '=', requestId)
      .execute();
    if (entries.length !== Number(isChange(operation))) unaudited.push(operation.operationId);
    for (const { action, who } of entries) {
      expect(action).toMatch(/^[a-z-]+(?:\.[a-z-]+)+$/);
      expect(who).toBe('test');
    }
  }
  expect(refused).toEqual([]);
  expect(unaudited).toEqual([]);
  const audit = JSON.stringify(await api.store.db.selectFrom('audit_entries').selectAll().execute());
  for (const secret of [
    `${planted}-secret`,
    `${planted}-llm`,
    'PRIVATE KEY',
    'a-value-of-the-walk',
    'sk-of-the-walk',
  ]) {
    expect(audit).not.toContain(secret);
  }
});

function isScope(text: string | undefined): text is Scope {
  return scopes.some((scope) => scope === text);
}
