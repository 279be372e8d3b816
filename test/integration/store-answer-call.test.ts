import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation } from '../../src/store/conversations.ts';
import type { Database } from '../../src/store/database.ts';
import { answerCall, type CallToAnswer } from '../../src/store/execution-ledger/answer-call.ts';
import { beginAttempt, type AttemptRef } from '../../src/store/execution-ledger/begin-attempt.ts';
import {
  loadLedger,
  readCall,
  recordIntent,
  recordOutcome,
  withAnswer,
} from '../../src/store/execution-ledger/calls.ts';
import { pushHandler } from '../../src/store/handlers.ts';
import {
  aConversation,
  aHandler,
  closed,
  engines,
  newOrganization,
  openStoreUnderTest,
  type StoreUnderTest,
} from './store-engines.ts';

const callId = '01900000-0000-7000-8000-000000000001';

describe.each(engines)('answering a call on %s', (engine) => {
  let underTest: StoreUnderTest;
  let db: Database;
  let ref: AttemptRef;
  const conversation = aConversation();

  beforeAll(async () => {
    underTest = await openStoreUnderTest(engine);
    db = underTest.store.db;
    const organizationId = await newOrganization(db);
    await pushHandler(db, organizationId, aHandler('h'));
    const { executions } = await acceptEvent(db, organizationId, closed({ conversation }), { claimFor: 'run' });
    ref = { organizationId, executionId: executions[0]?.executionId ?? '', attempt: 1 };
    const now = new Date();
    await beginAttempt(db, { ...ref, turn: ref.attempt, claimFor: 'run', queuedAt: now, startedAt: now, worker: 'w' });
    const call = { callId, name: 'set_conversation_metadata', n: 1, tryNumber: 1, argsJson: '{}' };
    expect(await recordIntent(db, ref, { ...call, effect: 'write', requestedAt: now }, [])).toBe('recorded');
  });
  afterAll(() => underTest.dispose());

  const answer = (value: string) =>
    answerCall(db, ref.organizationId, callId, 'write', async (call: CallToAnswer) => {
      await call.conversation.setMetadata('key', value);
      if (value === 'broken') throw new Error('the worker fails after the effect');
      return { state: 'succeeded', answerJson: JSON.stringify(value), error: null };
    });
  const metadata = async () => (await getConversation(db, ref.organizationId, conversation.id)).metadata;

  it('leaves nothing of an effect whose answer was not recorded', async () => {
    await expect(answer('broken')).rejects.toThrow('after the effect');
    expect(await metadata()).toEqual({});
  });

  it('leaves what came after it alone when its activity is repeated', async () => {
    expect(await answer('first')).toBe('succeeded');
    await db.updateTable('conversation_metadata').set({ value: 'newer' }).execute();
    expect(await answer('repeated')).toBe('succeeded');
    expect(await metadata()).toEqual({ key: 'newer' });
    expect(await readCall(db, ref.organizationId, callId)).toMatchObject({ answerJson: '"first"' });
  });

  it('of many bytes is not loaded with all the others, but when it is replayed', async () => {
    const long = { callId: callId.replace(/1$/, '2'), name: 'GET https://example.com/', n: 1, tryNumber: 1 };
    await recordIntent(db, ref, { ...long, effect: 'read', argsJson: '{}', requestedAt: new Date() }, []);
    const answerJson = JSON.stringify('x'.repeat(100_000));
    await recordOutcome(db, ref.organizationId, long.callId, { state: 'succeeded', answerJson, error: null });
    const { calls } = await loadLedger(db, ref, ref.executionId);
    expect(calls.map((call) => call.answerJson)).toEqual([null, '"first"']);
    const answers = await Promise.all(calls.map((call) => withAnswer(db, ref.organizationId, call)));
    expect(answers.map((call) => call.answerJson)).toEqual([answerJson, '"first"']);
  });
});
