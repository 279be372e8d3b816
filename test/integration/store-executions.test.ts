import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acceptEvent, getEvent, listEvents } from '../../src/store/conversation-events.ts';
import type { Database } from '../../src/store/database.ts';
import { getExecution, listExecutions, readLogs } from '../../src/store/executions.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import {
  aConversation,
  aHandler,
  closed,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

describe.each(engines)('reading executions on %s', (engine) => {
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

  /** One event on a conversation of its own with a handler of that name; answers the execution's id. */
  async function anExecution(handler = 'h', conversation = aConversation()): Promise<string> {
    await pushHandler(db, org, aHandler(handler));
    const accepted = await acceptEvent(db, org, closed({ conversation }), { claimFor: 'run' });
    return accepted.executions.find((execution) => execution.handlerName === handler)?.executionId ?? '';
  }

  async function set(id: string, columns: { status: 'running' | 'succeeded' | 'failed' | 'timed_out' | 'cancelled' }) {
    await db.updateTable('executions').set(columns).where('id', '=', id).execute();
  }

  async function eventIdOf(id: string): Promise<string> {
    return (await getExecution(db, org, id)).eventId ?? '';
  }

  test('shows attempts with their own logs, and calls in the order they were made', async () => {
    const id = await anExecution();
    const at = (second: number) => new Date(Date.UTC(2026, 0, 2, 3, 4, second));
    const error = JSON.stringify({ type: 'ValueError', message: 'no', traceback: 'line 1' });
    await db
      .updateTable('executions')
      .set({
        status: 'succeeded',
        attempt: 2,
        result: '{"n":[1,null]}',
        started_at: at(1),
        finished_at: at(9),
        queue_ms: 12.5,
        run_ms: 3_000,
      })
      .where('id', '=', id)
      .execute();
    const attempt = { organization_id: org, execution_id: id, worker: 'w' };
    await db
      .insertInto('attempts')
      .values([
        {
          ...attempt,
          attempt: 1,
          outcome: 'failed',
          reason: 'raised',
          error,
          queued_at: at(0),
          started_at: at(1),
          finished_at: at(2),
          run_ms: 1_000,
        },
        {
          ...attempt,
          attempt: 2,
          outcome: 'succeeded',
          reason: null,
          error: null,
          queued_at: at(3),
          started_at: at(5),
          finished_at: at(9),
          run_ms: 2_000,
        },
      ])
      .execute();
    const call = { organization_id: org, execution_id: id, n: 1, effect: 'write', state: 'succeeded' } as const;
    await db
      .insertInto('calls')
      .values([
        {
          ...call,
          id: randomUUID(),
          name: 'later',
          try: 1,
          args: '{}',
          answer: 'null',
          error_code: null,
          error_message: null,
          attempt: 2,
          last_attempt: 2,
          drift: '{"tag":"other"}',
          requested_at: at(6),
          answered_at: at(7),
        },
        {
          ...call,
          id: randomUUID(),
          name: 'earlier',
          try: 1,
          args: '{"tag":"vip"}',
          answer: null,
          error_code: 'invalid_arguments',
          error_message: 'too long',
          attempt: 1,
          last_attempt: 1,
          drift: null,
          requested_at: at(1),
          answered_at: null,
        },
      ])
      .execute();
    const chunk = { organization_id: org, execution_id: id };
    await db
      .insertInto('log_chunks')
      .values([
        { ...chunk, attempt: 1, stream: 'stderr', seq: 0, text: 'first failed\n' },
        { ...chunk, attempt: 2, stream: 'stdout', seq: -1, text: 'tail\n', missing_bytes: 4_000_000_000 },
        { ...chunk, attempt: 2, stream: 'stdout', seq: 1, text: 'head 2\n' },
        { ...chunk, attempt: 2, stream: 'stdout', seq: 0, text: 'head 1\n' },
        { ...chunk, attempt: 2, stream: 'stderr', seq: 0, text: 'all there\n' },
        { ...chunk, attempt: 2, stream: 'stderr', seq: -1, text: 'to the end\n', missing_bytes: 0 },
      ])
      .execute();

    const stdout = 'head 1\nhead 2\n\n… 4000000000 bytes left out …\ntail\n';
    const stderr = 'all there\nto the end\n';
    const execution = await getExecution(db, org, id);
    expect(execution).toMatchObject({
      status: 'succeeded',
      result: { n: [1, null] },
      attempts: 2,
      queueMs: 12.5,
      runMs: 3_000,
      startedAt: at(1).toISOString(),
      finishedAt: at(9).toISOString(),
      runId: 'run',
      stdout,
      stderr,
      attemptLog: [
        { attempt: 1, outcome: 'failed', reason: 'raised', error: { type: 'ValueError' }, queueMs: 1_000, stdout: '' },
        { attempt: 2, outcome: 'succeeded', error: null, queueMs: 2_000, runMs: 2_000, stdout, stderr },
      ],
      calls: [
        {
          name: 'earlier',
          args: { tag: 'vip' },
          answer: null,
          error: { code: 'invalid_arguments', message: 'too long' },
          unreached: true,
          durationMs: null,
        },
        { name: 'later', answer: null, error: null, unreached: false, drift: { tag: 'other' }, durationMs: 1_000 },
      ],
    });
    expect(await readLogs(db, org, id)).toEqual({ attempt: 2, stdout, stderr });
    expect(await readLogs(db, org, id, 1)).toEqual({ attempt: 1, stdout: '', stderr: 'first failed\n' });
  });

  test('tells the event’s status from its executions', async () => {
    const first = await anExecution('a');
    const eventId = await eventIdOf(first);
    expect((await getEvent(db, org, eventId)).status).toBe('running');
    await set(first, { status: 'timed_out' });
    expect((await getEvent(db, org, eventId)).status).toBe('failed');

    const second = await anExecution('b');
    const both = await listExecutions(db, org, { limit: 9, event: await eventIdOf(second) });
    expect(both).toHaveLength(2);
    for (const execution of both) await set(execution.id, { status: 'succeeded' });
    await set(second, { status: 'failed' });
    expect((await listEvents(db, org, { limit: 9 })).map((event) => event.status)).toEqual(['partly', 'failed']);
  });

  test('filters by status, handler, event, conversation and failure, newest first, page after page', async () => {
    const conversation = aConversation();
    const one = await anExecution('one', conversation);
    await set(one, { status: 'failed' });
    const two = await anExecution('one');
    await set(two, { status: 'timed_out' });
    const three = await anExecution('two', conversation);
    const all = await listExecutions(db, org, { limit: 10 });
    const ids = all.map((execution) => execution.id);
    expect(ids).toHaveLength(4);
    expect(ids).toEqual(ids.toSorted().toReversed());
    const rest = await listExecutions(db, org, { limit: 10, before: ids[1] });
    expect(rest.map((execution) => execution.id)).toEqual(ids.slice(2));

    const idsOf = async (filter: Partial<Parameters<typeof listExecutions>[2]>) =>
      (await listExecutions(db, org, { limit: 10, ...filter })).map((execution) => execution.id);
    const handlerId = all.find((execution) => execution.id === three)?.handlerId ?? '';
    const eventId = await eventIdOf(one);
    expect(await idsOf({ handler: 'two' })).toEqual([three]);
    expect(await idsOf({ handler: handlerId })).toEqual([three]);
    expect(await idsOf({ status: ['failed'] })).toEqual([one]);
    expect(await idsOf({ failed: true })).toEqual([two, one]);
    expect(await idsOf({ event: eventId })).toEqual([one]);
    expect(await idsOf({ conversation: conversation.publicId, handler: 'one', failed: true })).toEqual([one]);
    expect(await idsOf({ conversation: conversation.id })).toHaveLength(3);
    expect(await idsOf({ handler: 'unknown' })).toEqual([]);
    expect(await idsOf({ event: 'unknown' })).toEqual([]);
  });

  test('never shows an execution or an event to another organisation', async () => {
    const id = await anExecution();
    const eventId = await eventIdOf(id);
    const other = await newOrganization(db);
    expect((await errorOf(getExecution(db, other, id))).code).toBe('execution_not_found');
    expect((await errorOf(readLogs(db, other, id))).code).toBe('execution_not_found');
    expect((await errorOf(getEvent(db, other, eventId))).code).toBe('event_not_found');
    expect(await listExecutions(db, other, { limit: 10 })).toEqual([]);
    expect(await listExecutions(db, other, { limit: 10, event: eventId, handler: 'h' })).toEqual([]);
    expect(await listEvents(db, other, { limit: 10 })).toEqual([]);
    for (const unknown of ['nothing', randomUUID()]) {
      expect((await errorOf(getExecution(db, org, unknown))).code).toBe('execution_not_found');
    }
  });
});
