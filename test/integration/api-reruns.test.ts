import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { StartedRerun } from '../../src/contract/rerun.ts';
import { AfterwordError } from '../../src/domain/errors.ts';
import { createRelay } from '../../src/relay/relay.ts';
import type { CreatedDirectRun } from '../../src/store/direct-runs.ts';
import { settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import { waitingRuns, type WaitingRun } from '../../src/store/waiting-runs.ts';
import { anEvent, createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
let events = 0;

beforeAll(async () => {
  api = await createApiUnderTest();
  const push = { eventType: 'conversation_closed', code: 'def handle_event(context): pass\n' };
  expect(await api.send('PUT', '/api/v1/handlers/h', push)).toMatchObject({ status: 201 });
});
afterAll(() => api.close());

const organizationId = 'parcels';
const pathOf = (id: string) => `/api/v1/executions/${id}/rerun`;

async function anExecution({ ended = true } = {}): Promise<string> {
  events += 1;
  await api.send('POST', '/api/v1/conversation-events', anEvent({ id: `closing-${String(events)}` }));
  const { body } = await api.get('/api/v1/executions?limit=1');
  const [{ id }] = (body as { items: [{ id: string }] }).items;
  if (ended) await settle(id);
  return id;
}

async function settle(executionId: string): Promise<void> {
  const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
  await settleExecution(api.store.db, { organizationId, executionId, ...cancelled });
}

/** On the same store, with another way to start runs. */
function starting(start: (run: CreatedDirectRun) => Promise<{ duplicate: boolean }>) {
  const directRunner = { start, ended: () => Promise.resolve(), stopping: new AbortController().signal };
  return api.connect(() => Promise.resolve({ duplicate: false }), { directRunner });
}

describe('POST /executions/{id}/rerun', () => {
  test('answers 202 with what was made and where it is, and starts it', async () => {
    const id = await anExecution();
    const started: CreatedDirectRun[] = [];
    const answer = await starting((run) => Promise.resolve({ duplicate: (started.push(run), false) })).send(
      'POST',
      pathOf(id),
      {},
    );
    expect(answer.status).toBe(202);
    const rerun = StartedRerun.parse(answer.body);
    expect(rerun).toEqual({
      executionId: rerun.executionId,
      workflowId: `rerun/parcels/${rerun.executionId}`,
      rerunOf: id,
      handlerVersion: 1,
      fresh: false,
      answersFrom: [id],
    });
    expect(answer.headers.get('location')).toBe(`/api/v1/executions/${rerun.executionId}`);
    expect(await api.get(answer.headers.get('location') ?? '')).toMatchObject({
      status: 200,
      body: { kind: 'event', rerunOf: id, status: 'waiting', workflowId: rerun.workflowId, predecessors: [{ id }] },
    });
    expect(started).toMatchObject([{ executionId: rerun.executionId, handlerName: 'h', organizationId }]);
    expect((await api.get(`/api/v1/executions/${id}`)).body).toMatchObject({
      rerunOf: null,
      successors: [{ id: rerun.executionId, rerunOf: id, sharesRecord: true }],
    });
  });

  test('refuses what is not valid, not there, not ended, or under way', async () => {
    const id = await anExecution();
    for (const [body, field] of [
      [{ version: 'oldest' }, 'version'],
      [{ version: 1 }, 'version'],
      [{ fresh: 'yes' }, 'fresh'],
      [{ force: true }, 'force'],
    ] as const) {
      expect(fieldsOf(expectProblem(await api.send('POST', pathOf(id), body), 400, 'invalid_request'))).toEqual([
        field,
      ]);
    }
    for (const unknown of [uuidv7(), 'no-uuid', 'x'.repeat(300)]) {
      expectProblem(await api.send('POST', pathOf(unknown), {}), 404, 'execution_not_found');
    }
    expectProblem(await api.send('POST', pathOf(id), {}, api.rivalKey), 404, 'execution_not_found');
    expectProblem(await api.request('POST', pathOf(id), { key: null }), 401, 'unauthorized');
    const waiting = await anExecution({ ended: false });
    expectProblem(await api.send('POST', pathOf(waiting), {}), 409, 'execution_not_ended');
    const { body } = await api.send('POST', pathOf(id), {});
    const { executionId } = StartedRerun.parse(body);
    const refused = expectProblem(await api.send('POST', pathOf(id), { version: 'newest' }), 409, 'rerun_under_way');
    expect(refused.detail).toContain(executionId);
    expect((await api.send('POST', pathOf(id), { fresh: true })).status).toBe(202);
    const run = { conversation: 'C-1', handler: 'h', waitSeconds: 0 };
    const tested = (await api.send('POST', '/api/v1/test-runs', run)).body as { id: string };
    await settle(tested.id);
    const problem = expectProblem(await api.send('POST', pathOf(tested.id), {}), 409, 'not_rerunnable');
    expect(problem.detail).toContain('afterword test');
  });

  test('is answered while Temporal is away: the relay starts it, and cancels test runs that nobody waits for', async () => {
    const id = await anExecution();
    const away = starting(() => Promise.reject(new AfterwordError('temporal_unavailable', 'away')));
    const answer = await away.send('POST', pathOf(id), {});
    expect(answer.status).toBe(202);
    const { executionId } = StartedRerun.parse(answer.body);
    const run = { conversation: 'C-1', handler: 'h', waitSeconds: 0 };
    const tested = (await api.send('POST', '/api/v1/test-runs', run)).body as { id: string };
    await api.store.db
      .updateTable('executions')
      .set({ relay_at: new Date() })
      .where('relay_at', 'is not', null)
      .execute();
    const started: WaitingRun[] = [];
    const relay = createRelay({
      ...api,
      startEvent: () => Promise.resolve({ duplicate: false }),
      startRun: (waiting) => Promise.resolve({ duplicate: (started.push(waiting), false) }),
      intervalMs: 20,
    });
    relay.start();
    await expect.poll(() => started.map((one) => one.executionId)).toContain(executionId);
    await expect
      .poll(async () => (await api.get(`/api/v1/executions/${tested.id}`)).body)
      .toMatchObject({
        status: 'cancelled',
      });
    await expect.poll(() => relay.lagMs()).toBe(0);
    await relay.stop();
    expect(started.every(({ kind }) => kind === 'event')).toBe(true);
    // It waits for a worker: the relay looks again in some minutes.
    expect(await waitingRuns(api.store.db, new Date(Date.now() + 9 * 60_000), 100)).toEqual([]);
    expect(
      (await waitingRuns(api.store.db, new Date(Date.now() + 11 * 60_000), 100)).map((one) => one.executionId),
    ).toContain(executionId);
  });
});
