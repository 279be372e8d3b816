import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import type { RerunInput } from '../../src/contract/rerun.ts';
import { limits } from '../../src/domain/limits.ts';
import type { FinalStatus } from '../../src/domain/status.ts';
import { acceptEvent, unclaimedEvents } from '../../src/store/conversation-events.ts';
import type { Database } from '../../src/store/database.ts';
import { createDirectRun } from '../../src/store/direct-runs.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { loadLedger, recordIntent, recordOutcome, type CallOutcome } from '../../src/store/execution-ledger/calls.ts';
import { finishAttempt, settleExecution, type AttemptEnd } from '../../src/store/execution-ledger/finish-attempt.ts';
import { readOutsideCall } from '../../src/store/execution-ledger/outside-call.ts';
import { getExecution, listExecutions } from '../../src/store/executions.ts';
import { pushHandler, setHandlerEnabled } from '../../src/store/handlers.ts';
import { createRerun } from '../../src/store/reruns.ts';
import { cancelUnstarted, postponeRun, waitingRuns } from '../../src/store/waiting-runs.ts';
import {
  aConversation,
  aHandler,
  aMessage,
  closed,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

const helperNames: ReadonlySet<string> = new Set(['a_helper']);
const answered = (answer: unknown): CallOutcome => ({
  state: 'succeeded',
  answerJson: JSON.stringify(answer),
  error: null,
});
const away: CallOutcome = { state: 'transient', answerJson: null, error: { code: 'helper_unavailable', message: '' } };

describe.each(engines)('re-runs on %s', (engine) => {
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

  async function anExecution(conversation = aConversation()): Promise<string> {
    await pushHandler(db, org, aHandler('h'));
    const [execution] = (await acceptEvent(db, org, closed({ conversation }))).executions;
    if (execution === undefined) throw new Error('nothing was pinned');
    return execution.executionId;
  }

  const refOf = (executionId: string, attempt = 1) => ({ organizationId: org, executionId, attempt });
  const begin = (executionId: string, attempt = 1, claimFor: string | null = null) => {
    const at = new Date();
    return beginAttempt(db, {
      ...refOf(executionId),
      turn: attempt,
      claimFor,
      queuedAt: at,
      startedAt: at,
      worker: 'w',
    });
  };

  async function call(
    executionId: string,
    outcome: CallOutcome | null,
    { name = 'a_helper', n = 1, tryNumber = 1, args = {} } = {},
  ): Promise<string> {
    const made = { callId: uuidv7(), name, n, tryNumber, effect: 'external', argsJson: JSON.stringify(args) } as const;
    expect(await recordIntent(db, refOf(executionId), { ...made, requestedAt: new Date() }, [])).toBe('recorded');
    if (outcome !== null) await recordOutcome(db, org, made.callId, outcome);
    return made.callId;
  }

  async function end(executionId: string, status: FinalStatus = 'failed', reached: AttemptEnd['reached'] = []) {
    const how = { outcome: status, final: status, reason: null, error: null, runMs: 1, resultJson: null } as const;
    expect(await finishAttempt(db, refOf(executionId), { ...how, reached }, [])).toBe(true);
  }

  /** Began, and ended as failed, without a call. */
  async function failed(): Promise<string> {
    const id = await anExecution();
    await begin(id, 1, 'run');
    await end(id);
    return id;
  }

  const rerun = (id: string, input: Partial<RerunInput> = {}) =>
    createRerun(db, org, id, { version: 'same', fresh: false, ...input }, helperNames);

  test('sees what the first one saw: its event, its messages, its version, on or off', async () => {
    const id = await anExecution(aConversation({ messages: [aMessage('one')] }));
    await begin(id, 1, 'run');
    await end(id);
    const { conversationId } = await getExecution(db, org, id);
    const conversation = aConversation({ id: conversationId ?? '', messages: [aMessage('one'), aMessage('two')] });
    await acceptEvent(db, org, closed({ conversation }));
    await pushHandler(db, org, aHandler('h', { code: 'def handle_event(context):\n    return 2\n' }));
    await setHandlerEnabled(db, org, 'h', false);

    const same = await rerun(id);
    expect(same).toMatchObject({ rerunOf: id, handlerVersion: 1, answersFrom: [id], handlerName: 'h' });
    expect(same.workflowId).toBe(`rerun/${org}/${same.executionId}`);
    const [begunFirst, begunAgain] = [await begin(id, 2), await begin(same.executionId)];
    expect(begunFirst.kind).toBe('settled');
    if (begunAgain.kind !== 'begun') throw new Error(begunAgain.kind);
    expect(begunAgain).toMatchObject({ rootId: id, executionKind: 'event', event: { type: 'conversation_closed' } });
    expect(begunAgain.program.code).toContain('return 1');
    expect(JSON.parse(begunAgain.messagesJson)).toMatchObject([{ content: 'one' }]);
    await end(same.executionId);

    const newest = await rerun(id, { version: 'newest' });
    expect(newest).toMatchObject({ handlerVersion: 2, answersFrom: [id, same.executionId] });
    const begunNewest = await begin(newest.executionId);
    if (begunNewest.kind !== 'begun') throw new Error(begunNewest.kind);
    expect(begunNewest.program.code).toContain('return 2');
  });

  test('reads the newest try of each call over all that share the record, and counts only its own', async () => {
    const id = await anExecution();
    await begin(id, 1, 'run');
    const first = await call(id, answered('first'));
    await call(id, away, { n: 2 });
    await end(id);
    const second = await rerun(id);
    await begin(second.executionId);
    const again = await call(second.executionId, answered('second'), { n: 2, tryNumber: 2 });
    await call(second.executionId, answered({}), { name: 'GET http://x', args: { a: 1 } });
    await end(second.executionId, 'failed', [{ callId: first, executionId: id, driftJson: null }]);

    // Of the first one, but what the second one did counts too.
    const third = await rerun(id);
    expect(third.answersFrom).toEqual([id, second.executionId]);
    const { calls, made } = await loadLedger(db, refOf(third.executionId), id);
    expect(made).toEqual({ helperCalls: 0, requests: 0 });
    expect(calls).toMatchObject([
      { name: 'GET http://x', n: 1, executionId: second.executionId },
      { callId: first, n: 1, tryNumber: 1, answerJson: '"first"', executionId: id },
      { callId: again, n: 2, tryNumber: 2, answerJson: '"second"', executionId: second.executionId },
    ]);
    expect((await loadLedger(db, refOf(second.executionId), id)).made).toEqual({ helperCalls: 1, requests: 1 });
  });

  test('shows what it answered from the record, where that came from, and what drifted', async () => {
    const id = await anExecution();
    await begin(id, 1, 'run');
    const callId = await call(id, answered('first'), { args: { tag: 'a' } });
    const untouched = await getExecution(db, org, id);
    await end(id);
    const { executionId } = await rerun(id);
    await begin(executionId);
    const own = await call(executionId, answered('own'), { n: 2 });
    await end(executionId, 'succeeded', [{ callId, executionId: id, driftJson: '{"tag":"b"}' }]);

    const detail = await getExecution(db, org, executionId);
    expect(detail).toMatchObject({ rerunOf: id, status: 'succeeded', runId: null, successors: [] });
    expect(detail.calls).toMatchObject([
      { id: callId, replayedFrom: id, answer: 'first', args: { tag: 'a' }, drift: { tag: 'b' }, unreached: false },
      { id: own, replayedFrom: null, answer: 'own', drift: null },
    ]);
    expect(detail.predecessors).toMatchObject([{ id, status: 'failed', rerunOf: null, sharesRecord: true }]);
    const original = await getExecution(db, org, id);
    expect(original.calls).toEqual(untouched.calls);
    expect(original.successors).toMatchObject([
      { id: executionId, status: 'succeeded', rerunOf: id, handlerVersion: 1 },
    ]);
    expect((await listExecutions(db, org, { limit: 10 })).map((one) => [one.id, one.rerunOf])).toEqual([
      [executionId, id],
      [id, null],
    ]);
  });

  test('fresh begins a record of its own; what is run again from there answers from that', async () => {
    const id = await failed();
    const fresh = await rerun(id, { fresh: true });
    expect(fresh.answersFrom).toEqual([]);
    expect(await begin(fresh.executionId)).toMatchObject({ kind: 'begun', rootId: fresh.executionId });
    await end(fresh.executionId);
    const next = await rerun(fresh.executionId);
    expect(next.answersFrom).toEqual([fresh.executionId]);
    expect((await getExecution(db, org, fresh.executionId)).predecessors).toMatchObject([{ id, sharesRecord: false }]);
    expect((await getExecution(db, org, id)).successors).toMatchObject([
      { id: fresh.executionId, sharesRecord: false },
    ]);
    expect((await getExecution(db, org, next.executionId)).predecessors.map((one) => one.id)).toEqual([
      fresh.executionId,
    ]);
  });

  test('of two asked for at once one is made, the other names it; a fresh one may run beside it', async () => {
    const id = await failed();
    const asked = await Promise.allSettled([rerun(id), rerun(id)]);
    const made = asked.find((one) => one.status === 'fulfilled');
    if (made === undefined) throw new Error('none was made');
    const refused = await errorOf(rerun(id));
    expect(asked.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(refused.code).toBe('rerun_under_way');
    expect(refused.message).toContain(made.value.executionId);
    await rerun(id, { fresh: true });
    // What has not ended itself is not run again either.
    expect((await errorOf(rerun(made.value.executionId))).code).toBe('execution_not_ended');
    await begin(made.value.executionId);
    await end(made.value.executionId);
    await rerun(made.value.executionId);
  });

  test('is refused where there is nothing to run again', async () => {
    const waiting = await anExecution();
    expect(await errorOf(rerun(waiting))).toMatchObject({ code: 'execution_not_ended' });
    expect((await errorOf(rerun(uuidv7()))).code).toBe('execution_not_found');
    expect((await errorOf(rerun('no-such'))).code).toBe('execution_not_found');
    const id = await failed();
    const other = await newOrganization(db);
    const foreign = createRerun(db, other, id, { version: 'same', fresh: false }, helperNames);
    expect((await errorOf(foreign)).code).toBe('execution_not_found');
    for (const kind of ['test', 'tool'] as const) {
      const { executionId } = await createDirectRun(db, org, aDirectRun(kind));
      const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
      await settleExecution(db, { organizationId: org, executionId, ...cancelled });
      expect((await errorOf(rerun(executionId))).code).toBe('not_rerunnable');
    }
  });

  test('is refused where its version calls a helper that is gone, and made with a newer version', async () => {
    const id = await anExecution();
    await begin(id, 1, 'run');
    await call(id, answered(1), { name: 'add_fax' });
    await call(id, answered(1), { name: 'POST https://a.example' });
    await end(id);
    for (const fresh of [false, true]) {
      const refused = await errorOf(rerun(id, { fresh }));
      expect(refused).toMatchObject({ code: 'helper_removed' });
      expect(refused.message).toBe('Version 1 of h calls add_fax, which is no helper any more.');
    }
    await rerun(id, { version: 'newest' });
  });

  test('is none of the event’s own: a duplicate and the relay know the first executions only', async () => {
    await pushHandler(db, org, aHandler('h'));
    const event = closed();
    const accepted = await acceptEvent(db, org, event);
    const id = accepted.executions[0]?.executionId ?? '';
    const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
    await settleExecution(db, { organizationId: org, executionId: id, ...cancelled });
    for (const fresh of [true, false]) await rerun(id, { fresh });
    expect((await acceptEvent(db, org, event)).executions).toEqual(accepted.executions);
    const later = new Date(Date.now() + 60_000);
    const unclaimed = (await unclaimedEvents(db, later, 1_000)).find((one) => one.id === accepted.id);
    expect(unclaimed?.executions).toEqual(accepted.executions);
  });

  test('a call that was left behind names the same effect, and is known as tried', async () => {
    const id = await anExecution();
    await begin(id, 1, 'run');
    const left = await call(id, null);
    expect(await readOutsideCall(db, org, left)).toMatchObject({ rootId: id, leftBehind: false });
    await end(id, 'cancelled');
    expect(await readOutsideCall(db, org, left)).toMatchObject({ rootId: id, leftBehind: true, state: 'intent' });
    const { executionId } = await rerun(id);
    await begin(executionId);
    const own = await call(executionId, null, { tryNumber: 2 });
    expect(await readOutsideCall(db, org, own)).toMatchObject({ rootId: id, leftBehind: false });
  });

  const waitingOf = async (now: number) =>
    (await waitingRuns(db, new Date(now), 1_000)).filter(({ organizationId }) => organizationId === org);

  test('waits for the relay until a worker takes it up', async () => {
    const id = await failed();
    const made = await rerun(id);
    const { organizationId, executionId, workflowId, handlerName, eventType, conversationId } = made;
    expect(await waitingOf(Date.now())).toEqual([]);
    expect(await waitingOf(Date.now() + 10_000)).toEqual([
      { kind: 'event', organizationId, executionId, workflowId, handlerName, eventType, conversationId },
    ]);
    await postponeRun(db, executionId, new Date(Date.now() + 60_000));
    expect(await waitingOf(Date.now() + 10_000)).toEqual([]);
    await begin(executionId);
    expect(await waitingOf(Date.now() + 120_000)).toEqual([]);
    // A relay that had seen it before does not put it back, and nothing cancels it.
    await postponeRun(db, executionId, new Date());
    expect(await waitingOf(Date.now() + 120_000)).toEqual([]);
    expect(await cancelUnstarted(db, org, executionId)).toBe(false);
  });

  test('a test run is the relay’s after its time, not a second before, and then is cancelled', async () => {
    const { executionId } = await createDirectRun(db, org, aDirectRun('test'));
    const { queuedAt } = await getExecution(db, org, executionId);
    const due = new Date(queuedAt).getTime() + limits.directRunStartMs;
    expect(await waitingOf(due - 1)).toEqual([]);
    expect(await waitingOf(due)).toMatchObject([{ kind: 'test', executionId, handlerName: 'unsaved' }]);
    expect(await cancelUnstarted(db, org, executionId)).toBe(true);
    expect(await waitingOf(due)).toEqual([]);
    expect((await getExecution(db, org, executionId)).status).toBe('cancelled');
    expect(await cancelUnstarted(db, org, executionId)).toBe(false);
  });
});

function aDirectRun(kind: 'test' | 'tool') {
  return {
    kind,
    handlerName: 'unsaved',
    handlerId: null,
    handlerVersionId: null,
    conversationId: null,
    eventType: 'conversation_closed',
    occurredAt: new Date(),
    contextJson: '{}',
    messageSeq: 0,
    language: 'python' as const,
    code: '',
    settings: { attempts: 1 },
  };
}
