import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { saveConversation } from '../../src/store/conversations.ts';
import type { Database } from '../../src/store/database.ts';
import { createDirectRun, type CreatedDirectRun, type NewDirectRun } from '../../src/store/direct-runs.ts';
import { answerCall, type CallToAnswer } from '../../src/store/execution-ledger/answer-call.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { recordIntent } from '../../src/store/execution-ledger/calls.ts';
import { finishAttempt, settleExecution } from '../../src/store/execution-ledger/finish-attempt.ts';
import { getExecution, listExecutions, readLogs } from '../../src/store/executions.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import {
  aConversation,
  aHandler,
  aMessage,
  engines,
  errorOf,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

const code = 'def handle_event(context):\n    return 1\n';
const occurredAt = new Date('2026-01-02T03:04:05.678Z');
const aTool: NewDirectRun = {
  kind: 'tool',
  handlerName: 'a-tool',
  handlerId: null,
  handlerVersionId: null,
  conversationId: null,
  eventType: 'tool_invoked',
  occurredAt,
  contextJson: '{"parameters":{"a":1}}',
  messageSeq: 0,
  language: 'python',
  code,
  settings: { attempts: 2 },
};

describe.each(engines)('runs that no event started on %s', (engine) => {
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

  const refOf = ({ executionId }: CreatedDirectRun) => ({ organizationId: org, executionId, attempt: 1 });
  const begin = (run: CreatedDirectRun, attempt = 1) =>
    beginAttempt(db, {
      ...refOf(run),
      turn: attempt,
      claimFor: null,
      queuedAt: occurredAt,
      startedAt: occurredAt,
      worker: 'w',
    });

  /** What a helper makes of the run's conversation. */
  async function call<T>(run: CreatedDirectRun, n: number, work: (call: CallToAnswer) => Promise<T>): Promise<T> {
    const callId = `01900000-0000-7000-8000-${run.executionId.slice(-6)}${String(n).padStart(6, '0')}`;
    const made = { callId, name: 'a_helper', n, tryNumber: 1, effect: 'write', argsJson: '{}' } as const;
    expect(await recordIntent(db, refOf(run), { ...made, requestedAt: occurredAt }, [])).toBe('recorded');
    let answer: { value: T } | undefined;
    await answerCall(db, org, callId, 'write', async (toAnswer) => {
      answer = { value: await work(toAnswer) };
      return { state: 'succeeded', answerJson: 'null', error: null };
    });
    if (answer === undefined) throw new Error('the call was not answered');
    return answer.value;
  }

  test('one without conversation and handler begins, ends and is read', async () => {
    const run = await createDirectRun(db, org, aTool);
    expect(run).toMatchObject({ organizationId: org, workflowId: `tool-run/${org}/${run.executionId}` });
    expect(await begin(run)).toMatchObject({
      kind: 'begun',
      executionKind: 'tool',
      event: { eventId: `tool-run/${run.executionId}`, type: 'tool_invoked', occurredAt, actor: null },
      contextJson: aTool.contextJson,
      messagesJson: '[]',
      handlerName: 'a-tool',
      program: { code, settings: { attempts: 2 } },
    });
    const end = { outcome: 'succeeded', final: 'succeeded', resultJson: '7', reason: null, error: null } as const;
    const logs = [{ stream: 'stdout', seq: 0, text: 'hello', missingBytes: 0 }] as const;
    expect(await finishAttempt(db, refOf(run), { ...end, runMs: 1, reached: [] }, logs)).toBe(true);
    expect(await getExecution(db, org, run.executionId)).toMatchObject({
      kind: 'tool',
      eventId: null,
      eventType: 'tool_invoked',
      conversationId: null,
      conversationPublicId: null,
      handlerId: null,
      handlerName: 'a-tool',
      handlerVersion: null,
      workflowId: run.workflowId,
      status: 'succeeded',
      result: 7,
    });
    expect((await readLogs(db, org, run.executionId)).stdout).toBe('hello');
    expect(await begin(run, 2)).toEqual({ kind: 'settled', status: 'succeeded', reason: null });
  });

  test('an attempt that a newer one overtook is superseded, its own is counted as lost', async () => {
    const run = await createDirectRun(db, org, aTool);
    expect(await begin(run, 1)).toMatchObject({ kind: 'begun', lostInARow: 0 });
    expect(await begin(run, 2)).toMatchObject({ kind: 'begun', lostInARow: 1 });
    expect(await begin(run, 1)).toEqual({ kind: 'superseded' });
  });

  test('one that is cancelled before it began never begins', async () => {
    const run = await createDirectRun(db, org, aTool);
    const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
    await settleExecution(db, { organizationId: org, executionId: run.executionId, ...cancelled });
    expect(await begin(run)).toMatchObject({ kind: 'settled', status: 'cancelled' });
  });

  test('helpers that need a conversation are refused where there is none', async () => {
    const run = await createDirectRun(db, org, aTool);
    await begin(run);
    const refused = await call(run, 1, ({ conversation }) => errorOf(conversation.addTag('vip')));
    expect(refused).toMatchObject({ code: 'conversation_not_found', entry: { retryable: false } });
  });

  test('one with a conversation sees its messages up to the one named; a tool writes to it, a test does not', async () => {
    const conversation = aConversation({ messages: ['one', 'two', 'three'].map((content) => aMessage(content)) });
    await saveConversation(db, org, conversation);
    const about = { ...aTool, conversationId: conversation.id, messageSeq: 2 };
    const tool = await createDirectRun(db, org, about);
    const tested = await createDirectRun(db, org, { ...about, kind: 'test' });
    const begun = await begin(tool);
    await begin(tested);
    if (begun.kind !== 'begun') throw new Error(begun.kind);
    expect(JSON.parse(begun.messagesJson)).toMatchObject([{ content: 'one' }, { content: 'two' }]);

    await call(tested, 1, (to) => to.conversation.setMetadata('key', 'tested'));
    await call(tool, 1, (to) => to.conversation.setMetadata('key', 'live'));
    expect(await call(tested, 2, (to) => to.conversation.getMetadata('key'))).toBe('tested');
    expect(await call(tool, 2, (to) => to.conversation.getMetadata('key'))).toBe('live');
    const metadata = await db.selectFrom('conversation_metadata').select('value').execute();
    expect(metadata.map(({ value }) => value)).not.toContain('tested');
  });

  test('a test that could not record its answer has written nothing to its notes either', async () => {
    const conversation = aConversation();
    await saveConversation(db, org, conversation);
    const run = await createDirectRun(db, org, { ...aTool, kind: 'test', conversationId: conversation.id });
    await begin(run);
    const broken = call(run, 1, async (to) => {
      await to.conversation.setMetadata('key', 'value');
      throw new Error('the worker fails after the effect');
    });
    await expect(broken).rejects.toThrow('after the effect');
    expect(await call(run, 2, (to) => to.conversation.getMetadata('key'))).toBeNull();
  });

  test('lists show tools with what events started, and test runs only where they are asked for', async () => {
    const { id: handlerId } = await pushHandler(db, org, aHandler('h'));
    const tool = await createDirectRun(db, org, { ...aTool, handlerId });
    const tested = await createDirectRun(db, org, { ...aTool, kind: 'test', handlerId });
    const ids = async (filter: Partial<Parameters<typeof listExecutions>[2]>) =>
      (await listExecutions(db, org, { limit: 10, ...filter })).map(({ id }) => id);
    expect(await ids({})).toEqual([tool.executionId]);
    expect(await ids({ kind: 'tool' })).toEqual([tool.executionId]);
    expect(await ids({ kind: 'event' })).toEqual([]);
    expect(await ids({ kind: 'test' })).toEqual([tested.executionId]);
    expect(await ids({ kind: 'test', handler: 'h' })).toEqual([tested.executionId]);
    expect(await ids({ handler: 'h' })).toEqual([tool.executionId]);
    const other = await newOrganization(db);
    expect(await listExecutions(db, other, { limit: 10, kind: 'test' })).toEqual([]);
    expect((await errorOf(getExecution(db, other, tested.executionId))).code).toBe('execution_not_found');
  });

  test('takes code of 256 KB, and refuses one byte more', async () => {
    const most = '#'.repeat(limits.handlerCodeBytes);
    await createDirectRun(db, org, { ...aTool, code: most });
    const error = await errorOf(createDirectRun(db, org, { ...aTool, code: `${most}#` }));
    expect(error).toMatchObject({ code: 'invalid_handler', fields: [{ field: 'code' }] });
  });
});
