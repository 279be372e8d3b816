import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StartedRerunSet } from '../../src/contract/rerun.ts';
import { limits } from '../../src/domain/limits.ts';
import type { FailureReason, FinalStatus } from '../../src/domain/status.ts';
import { settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import { waitingRuns } from '../../src/store/waiting-runs.ts';
import { aConversation, anEvent, createApiUnderTest, expectProblem, fieldsOf } from './api-under-test.ts';
import type { ApiUnderTest } from './api-under-test.ts';

let api: ApiUnderTest;
let events = 0;

beforeAll(async () => {
  api = await createApiUnderTest();
});
afterAll(() => api.close());

const organizationId = 'parcels';

async function aHandler(name: string, eventType = 'conversation_closed'): Promise<void> {
  const push = { eventType, code: 'def handle_event(context): pass\n' };
  expect(await api.send('PUT', `/api/v1/handlers/${name}`, push)).toMatchObject({ status: 201 });
}

async function anExecution(type: string, publicId = 'C-1', handler = ''): Promise<string> {
  events += 1;
  const conversation = aConversation({ id: publicId === 'C-1' ? aConversation().id : uuidv7(), publicId });
  await api.send('POST', '/api/v1/conversation-events', anEvent({ id: `e-${String(events)}`, type, conversation }));
  const { body } = await api.get(`/api/v1/executions?limit=1${handler === '' ? '' : `&handler=${handler}`}`);
  return (body as { items: [{ id: string }] }).items[0].id;
}

async function end(
  executionId: string,
  status: FinalStatus,
  failure: { reason: FailureReason; message: string } | null = null,
): Promise<void> {
  const error = failure === null ? null : { type: 'ValueError', message: failure.message, traceback: 'a line' };
  const settlement = { organizationId, executionId, status, reason: failure?.reason ?? null, error, claimFor: null };
  await settleExecution(api.store.db, settlement);
}

async function ids(query: string): Promise<string[]> {
  const answer = await api.get(`/api/v1/executions?${query}`);
  expect(answer.status).toBe(200);
  return (answer.body as { items: { id: string }[] }).items.map(({ id }) => id);
}

describe('GET /executions', () => {
  test('filters by type, status, reason, conversation, time and text in the error, and counts exactly', async () => {
    await aHandler('closed');
    await aHandler('handed-off', 'conversation_handed_off');
    const one = await anExecution('conversation_closed');
    await end(one, 'failed', { reason: 'raised', message: 'No Customer 100%_sure \u0000 in the CRM' });
    const two = await anExecution('conversation_handed_off', 'C-2');
    await end(two, 'timed_out');
    const three = await anExecution('conversation_closed');
    const four = await anExecution('conversation_closed', 'C-4');
    await end(four, 'succeeded');
    expect(await ids('')).toEqual([four, three, two, one]);
    expect(await ids('eventType=conversation_handed_off')).toEqual([two]);
    expect(await ids('eventType=conversation_reopened')).toEqual([]);
    expect(await ids('status=failed&status=waiting')).toEqual([three, one]);
    expect(await ids('status=failed&status=waiting&limit=1')).toEqual([three]);
    expect(await ids('status=failed&status=waiting&failed=true')).toEqual([one]);
    expect(await ids('status=waiting&failed=true')).toEqual([]);
    expect(await ids('reason=raised')).toEqual([one]);
    expect(await ids('conversation=C-4')).toEqual([four]);
    expect(await ids('conversation=C-99')).toEqual([]);
    for (const error of ['customer', 'VALUEERROR: no', '100%_sure', '_SURE', 'in the crm']) {
      expect(await ids(`error=${encodeURIComponent(error)}`)).toEqual([one]);
    }
    for (const error of ['100_', 'a line', '%']) {
      expect(await ids(`error=${encodeURIComponent(error)}`)).toEqual(error === '%' ? [one] : []);
    }
    const { body } = await api.get(`/api/v1/executions/${three}`);
    const { queuedAt } = body as { queuedAt: string };
    expect(await ids(`from=${queuedAt}`)).toEqual([four, three]);
    expect(await ids(`to=${queuedAt}`)).toEqual([two, one]);
    expect(await ids(`from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z`)).toHaveLength(4);
    expect(await api.get('/api/v1/executions?total=true&limit=1&failed=true')).toMatchObject({
      body: { items: [{ id: two }], total: 2 },
    });
    expect(await api.get('/api/v1/executions?total=true&handler=nobody')).toMatchObject({
      body: { items: [], next: null, total: 0 },
    });
    expect((await api.get('/api/v1/executions')).body).not.toHaveProperty('total');
    expect((await api.get('/api/v1/executions?total=true', api.rivalKey)).body).toMatchObject({ items: [], total: 0 });
  });

  test('names what is wrong with a filter', async () => {
    for (const [query, field] of [
      ['status=broken', 'status'],
      ['status=failed&status=broken', 'status'],
      ['reason=bad', 'reason'],
      ['from=yesterday', 'from'],
      ['to=0000-01-01T00:00:00Z', 'to'],
      [`error=${'x'.repeat(limits.searchedErrorCharacters + 1)}`, 'error'],
      ['error=', 'error'],
      ['error=%00', 'error'],
      ['total=1', 'total'],
      ['state=failed', 'state'],
    ] as const) {
      const problem = expectProblem(await api.get(`/api/v1/executions?${query}`), 400, 'invalid_request');
      expect(fieldsOf(problem)[0]?.split('.')[0]).toBe(field);
    }
    expect(await ids(`error=${'x'.repeat(limits.searchedErrorCharacters)}`)).toEqual([]);
  });
});

describe('GET /executions/statistics', () => {
  const path = '/api/v1/executions/statistics';

  test('counts by status and says how long they waited and ran, by bucket and handler, empty ones too', async () => {
    await aHandler('counted', 'conversation_handed_off');
    const made = [];
    for (let n = 0; n < 4; n += 1) made.push(await anExecution('conversation_handed_off', 'C-1', 'counted'));
    const at = new Date('2026-01-05T10:30:00Z');
    for (const [n, id] of made.entries()) {
      const queued_at = new Date(at.getTime() + (n === 3 ? 3_600_000 : 0));
      // The bounds of a range are found by ids, too: these are made when the execution is queued.
      const row = { queued_at, started_at: queued_at, finished_at: queued_at, queue_ms: n * 10, run_ms: n * 100 };
      const moved = uuidv7({ msecs: queued_at.getTime() });
      const status = n === 0 ? 'failed' : 'succeeded';
      await api.store.db
        .updateTable('executions')
        .set({ ...row, id: moved, status })
        .where('id', '=', id)
        .execute();
    }
    const range = 'from=2026-01-05T10:00:00Z&to=2026-01-05T13:00:00Z';
    const { status, body } = await api.get(`${path}?${range}`);
    expect(status).toBe(200);
    const counts = { waiting: 0, running: 0, timed_out: 0, cancelled: 0 };
    const first = {
      total: 3,
      byStatus: { ...counts, failed: 1, succeeded: 2 },
      queueMs: { median: 10, p95: 19 },
      runMs: { median: 100, p95: 190 },
    };
    expect(body).toMatchObject({
      interval: 'hour',
      items: [
        { start: '2026-01-05T10:00:00.000Z', ...first, handlers: [{ handlerName: 'counted', ...first }] },
        { start: '2026-01-05T11:00:00.000Z', total: 1, runMs: { median: 300, p95: 300 } },
        { start: '2026-01-05T12:00:00.000Z', total: 0, queueMs: null, runMs: null, handlers: [] },
      ],
    });
    const totals = async (query: string, key?: string) => {
      const answer = await api.get(`${path}?${range}&interval=day${query}`, key);
      return (answer.body as { items: { total: number }[] }).items.map(({ total }) => total);
    };
    expect(await totals('')).toEqual([4]);
    expect(await totals('&handler=counted&eventType=conversation_handed_off')).toEqual([4]);
    expect(await totals('&eventType=conversation_closed')).toEqual([0]);
    expect(await totals('&handler=nobody')).toEqual([0]);
    expect(await totals('', api.rivalKey)).toEqual([0]);
  });

  test('answers as many buckets as it may, and refuses one more', async () => {
    const from = new Date('2026-01-01T00:00:00Z');
    const ask = (buckets: number) =>
      api.get(
        `${path}?interval=minute&from=${from.toISOString()}&to=${new Date(from.getTime() + buckets * 60_000).toISOString()}`,
      );
    const most = await ask(limits.statisticsBuckets);
    expect((most.body as { items: unknown[] }).items).toHaveLength(limits.statisticsBuckets);
    const refused = expectProblem(await ask(limits.statisticsBuckets + 1), 400, 'invalid_request');
    expect(fieldsOf(refused)).toEqual(['interval']);
    expectProblem(await api.get(`${path}?from=2026-01-01T00:00:00Z`), 400, 'invalid_request');
    expect(await api.get(`${path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`)).toMatchObject({
      body: { items: [] },
    });
  });
});

describe('POST /executions/rerun', () => {
  const post = (body: object, key?: string) => api.send('POST', '/api/v1/executions/rerun', body, key);
  const rerun = async (filter: object, more: object = {}) => {
    const answer = await post({ filter, ...more });
    return { status: answer.status, ...StartedRerunSet.parse(answer.body) };
  };

  test('says how many first, then runs them again, spread over time, and a second time none', async () => {
    await aHandler('set', 'conversation_reopened');
    const made = [];
    for (let n = 0; n < 3; n += 1) made.push(await anExecution('conversation_reopened'));
    const [one = '', two = '', three = ''] = made;
    await end(one, 'failed');
    await end(two, 'failed');
    const filter = { handler: 'set' };
    expect(await rerun(filter, { dryRun: true })).toEqual({
      status: 200,
      dryRun: true,
      matched: 3,
      taken: 2,
      notTaken: [{ reason: 'execution_not_ended', count: 1, examples: [three] }],
      items: [],
    });
    expect((await post({ filter }, api.rivalKey)).body).toMatchObject({ matched: 0, taken: 0 });

    const from = Date.now();
    const started = await rerun(filter, { ratePerMinute: 2 });
    expect(started).toMatchObject({ status: 202, dryRun: false, matched: 3, taken: 2 });
    expect(started.items.map(({ rerunOf }) => rerunOf)).toEqual([one, two]);
    const [first, second] = started.items.map(({ startsAt }) => new Date(startsAt).getTime());
    expect(first).toBeGreaterThanOrEqual(from);
    expect((second ?? 0) - (first ?? 0)).toBe(30_000);
    const due = async (at: number) => (await waitingRuns(api.store.db, new Date(at), 10)).map((run) => run.executionId);
    expect(await due((first ?? 0) + 29_000)).toEqual([started.items[0]?.executionId]);
    expect(await due((first ?? 0) + 30_000)).toEqual(started.items.map(({ executionId }) => executionId));
    expect(await api.get(`/api/v1/executions/${started.items[1]?.executionId ?? ''}`)).toMatchObject({
      body: { status: 'waiting', rerunOf: two, eventType: 'conversation_reopened', predecessors: [{ id: two }] },
    });

    const again = await rerun({ handler: 'set', failed: true });
    expect(again).toMatchObject({ matched: 2, taken: 0, notTaken: [{ reason: 'rerun_under_way', count: 2 }] });
    await end(started.items[0]?.executionId ?? '', 'succeeded');
    await end(started.items[1]?.executionId ?? '', 'failed');
    const [next, fresh] = [await rerun({ handler: 'set', failed: true }, { dryRun: true }), { fresh: true }];
    // Of the second its newest continuation goes on; the first is done.
    expect(next).toMatchObject({ matched: 3, taken: 1 });
    expect(next.notTaken).toEqual([
      { reason: 'rerun_succeeded', count: 1, examples: [one] },
      { reason: 'newer_matches', count: 1, examples: [two] },
    ]);
    expect(await rerun({ handler: 'set', failed: true }, fresh)).toMatchObject({ taken: 1 });
    expect(await rerun({ handler: 'set', failed: true }, fresh)).toMatchObject({ taken: 0 });
  });

  test('of two at once takes each execution once', async () => {
    await anExecution('conversation_reopened');
    const id = await anExecution('conversation_reopened', 'C-7');
    await end(id, 'cancelled');
    const filter = { conversation: 'C-7' };
    const both = await Promise.all([rerun(filter), rerun(filter)]);
    expect(both.map(({ taken }) => taken).toSorted()).toEqual([0, 1]);
  });

  test('runs the version that is current now where that is asked for, and nothing of a deleted handler', async () => {
    await aHandler('versions', 'conversation_handed_off');
    const id = await anExecution('conversation_handed_off');
    await end(id, 'failed');
    const code = 'def handle_event(context): return 2\n';
    await api.send('PUT', '/api/v1/handlers/versions', { eventType: 'conversation_handed_off', code });
    const { items } = await rerun({ handler: 'versions' }, { version: 'newest' });
    expect(await api.get(`/api/v1/executions/${items[0]?.executionId ?? ''}`)).toMatchObject({
      body: { handlerVersion: 2 },
    });
    await end(items[0]?.executionId ?? '', 'failed');
    await api.request('DELETE', '/api/v1/handlers/versions');
    expect(await rerun({ handler: 'versions' })).toMatchObject({
      taken: 0,
      notTaken: [{ reason: 'not_rerunnable', count: 2 }],
    });
    const single = await api.send('POST', `/api/v1/executions/${id}/rerun`, {});
    expect(expectProblem(single, 409, 'not_rerunnable').detail).toContain('was deleted');
  });

  test('leaves out what calls a helper that is no longer there', async () => {
    await aHandler('caller', 'conversation_handed_off');
    const id = await anExecution('conversation_handed_off', 'C-1', 'caller');
    await end(id, 'failed');
    await sql`
      insert into calls (id, organization_id, execution_id, name, n, try, effect, args, attempt, last_attempt, requested_at)
      values (${uuidv7()}, ${organizationId}, ${id}, 'send_fax', 1, 1, 'external', '{}', 1, 1, now())`.execute(
      api.store.db,
    );
    expect(await rerun({ handler: 'caller' }, { dryRun: true })).toMatchObject({
      notTaken: [{ reason: 'helper_removed', examples: [id] }],
    });
    expect(await rerun({ handler: 'caller' }, { dryRun: true, version: 'newest' })).toMatchObject({ taken: 1 });
  });

  test('leaves out what has no record any more, unless everything is done again', async () => {
    await aHandler('aged', 'conversation_handed_off');
    const id = await anExecution('conversation_handed_off', 'C-1', 'aged');
    await end(id, 'failed');
    const record_removed_at = new Date();
    await api.store.db.updateTable('executions').set({ record_removed_at }).where('id', '=', id).execute();
    expect(await rerun({ handler: 'aged' }, { dryRun: true })).toMatchObject({
      notTaken: [{ reason: 'record_removed' }],
    });
    expect(await rerun({ handler: 'aged' }, { dryRun: true, fresh: true })).toMatchObject({ taken: 1 });
  });

  test('takes a thousand, and refuses one more, of which a dry run only says how many', async () => {
    await aHandler('many', 'conversation_handed_off');
    const first = await anExecution('conversation_handed_off');
    await end(first, 'failed');
    // The same execution as often as it takes: nothing of them is run here.
    const copies = async (count: number) => {
      const copied = Array.from({ length: count }, () => uuidv7());
      await sql`
        insert into executions (id, organization_id, event_id, conversation_id, handler_id, handler_version_id, ordinal,
          event_type, status, queued_at, finished_at)
        select copied, organization_id, event_id, conversation_id, handler_id, handler_version_id, 0, event_type, 'failed',
               queued_at, finished_at
        from executions, unnest(${copied}::uuid[]) as copied where id = ${first}`.execute(api.store.db);
    };
    await copies(limits.rerunsPerRequest - 1);
    const taken = await rerun({ handler: 'many' }, { ratePerMinute: limits.rerunsPerMinute });
    expect(taken).toMatchObject({ matched: limits.rerunsPerRequest, taken: limits.rerunsPerRequest, notTaken: [] });
    expect(new Set(taken.items.map(({ executionId }) => executionId)).size).toBe(limits.rerunsPerRequest);
    await copies(1);
    const filter = { handler: 'many', failed: true };
    const refused = expectProblem(await post({ filter }), 400, 'too_many_executions');
    expect(refused.detail).toContain('1001');
    expect(await rerun(filter, { dryRun: true })).toMatchObject({
      matched: 1_001,
      taken: 0,
      notTaken: [{ reason: 'too_many', count: 1_001 }],
    });
  });

  test('names what is wrong with the request', async () => {
    const filter = { failed: true };
    for (const [body, field] of [
      [{}, 'filter'],
      [{ filter: {} }, 'filter'],
      [{ filter: { failed: false } }, 'filter.failed'],
      [{ filter: { limit: 1 } }, 'filter.limit'],
      [{ filter, ratePerMinute: 0 }, 'ratePerMinute'],
      [{ filter, ratePerMinute: limits.rerunsPerMinute + 1 }, 'ratePerMinute'],
      [{ filter, version: 'oldest' }, 'version'],
    ] as const) {
      expect(fieldsOf(expectProblem(await post(body), 400, 'invalid_request'))[0]).toBe(field);
    }
  });
});
