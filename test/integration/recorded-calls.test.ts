import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRunHandler } from '../../src/activities/run-handler.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { SandboxError, type Sandbox, type SandboxLimits } from '../../src/sandbox/sandbox.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { finishAttempt } from '../../src/store/execution-ledger/finish-attempt.ts';
import { getExecution } from '../../src/store/executions.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { userFailuresOf, workOf } from './fixtures/kill-worker/effects.ts';
import { startPartHere, type PartHere } from './fixtures/kill-worker/part-here.ts';

/** Raises once its work is done, in the first attempt only. */
const failingOnce = (body: string) => `
import random

def handle_event(context):
    attempt = context["args"]["attempt"]
    ${body.trim().replaceAll('\n', '\n    ')}
    if attempt == 1:
        raise ValueError("the first attempt fails")
    return answer
`;

const once = (body: string) => `def handle_event(context):\n    ${body}\n`;

const handlers: Record<string, { code: string; attempts?: number }> = {
  'twin-a': { code: once('return add_conversation_event(context, "twin")') },
  'twin-b': { code: once('return add_conversation_event(context, "twin")') },
  drifts: {
    code: failingOnce(`
answer = [add_conversation_event(context, f"attempt {attempt}")["eventId"]]
answer.append(get_conversation_metadata(context, f"key {attempt}"))
answer.append(get_conversation_metadata(context, "same key"))
if attempt == 1:
    set_conversation_metadata(context, "of the first attempt", "stays")
`),
  },
  refused: {
    code: failingOnce(`
try:
    add_conversation_tag(context, "")
except HelperError as error:
    answer = [error.code, str(error)]
`),
  },
  unavailable: { code: once('return delete_conversation_metadata(context, "never set")') },
  twenty: {
    code: failingOnce(`answer = [add_conversation_event(context, f"{n} of twenty")["eventId"] for n in range(20)]`),
  },
  seeded: { code: failingOnce('answer = add_conversation_event(context, f"drawn {random.random()}")') },
  'cage-always-breaks': { code: once('return "never run"'), attempts: 1 },
  'cage-breaks-twice': { code: once('return "run at last"'), attempts: 1 },
  'cage-breaks-midway': {
    code: once('return [add_conversation_event(context, f"midway {n}")["eventId"] for n in range(2)]'),
    attempts: 1,
  },
};

const limitHandlers = {
  'at-the-limit': `
def handle_event(context):
    first = context["args"]["attempt"] == 1
    for n in range(100 if first else ${String(limits.helperCallsPerExecution)}):
        get_conversation_metadata(context, "key")
    if first:
        raise ValueError("the first attempt fails")
`,
  'past-the-limit': `
def handle_event(context):
    for n in range(${String(limits.helperCallsPerExecution + 1)}):
        get_conversation_metadata(context, "key")
        print(n + 1)
`,
};

let system: TestSystem;
let workers: PartHere;
let executions: Record<string, ExecutionDetail>;
let atLimits: Record<string, ExecutionDetail>;

beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
  for (const [name, { code, attempts = 3 }] of Object.entries(handlers)) {
    await system.push(name, code, { settings: { attempts } });
  }
  for (const [name, code] of Object.entries(limitHandlers)) {
    await system.push(name, code, { eventType: 'conversation_handed_off' });
  }
  const deleted = { tries: 0 };
  workers = await startPartHere(system, 'all', {
    sandbox: breakable,
    checkpoint(name) {
      if (name !== 'helper:before' || activityInfo().activityType !== 'delete_conversation_metadata') return ok();
      deleted.tries += 1;
      if (deleted.tries > 1) return ok();
      // As if every try of a minute had failed.
      return Promise.reject(ApplicationFailure.nonRetryable('the helper is away'));
    },
  });
  [executions, atLimits] = await Promise.all([system.run(), system.run({ type: 'conversation_handed_off' })]);
}, 150_000);

afterAll(async () => {
  await workers.stop();
  await system.stop();
});

const ok = () => Promise.resolve();

/** The real cage, which breaks for some handlers as if its fork server had died. */
function breakable(python: Sandbox): Sandbox {
  const runs = new Map<string, number>();
  return {
    async run(program, host, signal) {
      const name = Object.keys(handlers).find((handler) => handlers[handler]?.code === program.code) ?? '';
      const run = (runs.get(name) ?? 0) + 1;
      runs.set(name, run);
      if (name === 'cage-always-breaks' || (name === 'cage-breaks-twice' && run <= 2)) {
        throw new SandboxError('The Python fork server is gone');
      }
      if (name !== 'cage-breaks-midway' || run > 1) return python.run(program, host, signal);
      let calls = 0;
      const breaking: typeof host = {
        request: (request) => host.request(request),
        log: (stream, text) => {
          host.log(stream, text);
        },
        call(call) {
          calls += 1;
          return calls === 1 ? host.call(call) : Promise.reject(new SandboxError('The Python fork server is gone'));
        },
      };
      return python.run(program, breaking, signal);
    },
    close: () => python.close(),
  };
}

function executionOf(handler: string): ExecutionDetail {
  const execution = executions[handler] ?? atLimits[handler];
  if (execution === undefined) throw new Error(`no execution of ${handler}`);
  return execution;
}

const outcomesOf = (execution: ExecutionDetail) => execution.attemptLog.map(({ outcome }) => outcome);

/** What the execution wrote to its conversation's timeline. */
async function timelineOf(execution: ExecutionDetail) {
  return system.store.db
    .selectFrom('timeline_events')
    .select(['id', 'description'])
    .where('source_id', '=', execution.id)
    .orderBy('id')
    .execute();
}

describe('a handler that is tried again', () => {
  it('gets twenty recorded answers and makes none of the calls again', async () => {
    const execution = executionOf('twenty');
    expect(outcomesOf(execution)).toEqual(['failed', 'succeeded']);
    expect(execution.calls).toHaveLength(20);
    for (const call of execution.calls) {
      expect(call).toMatchObject({ try: 1, state: 'succeeded', attempt: 1, lastAttempt: 2, unreached: false });
    }
    expect(execution.result).toEqual(execution.calls.map(({ id }) => id));
    const timeline = await timelineOf(execution);
    expect(timeline.map(({ description }) => description)).toEqual(
      Array.from({ length: 20 }, (_, n) => `${String(n)} of twenty`),
    );
    expect(await userFailuresOf(system, execution.id)).toBe(1);
  });

  it('keeps the answer of a write whose arguments changed, and shows what it would have written', async () => {
    const execution = executionOf('drifts');
    const [written] = execution.calls.filter(({ effect }) => effect === 'write');
    expect(written).toMatchObject({
      name: 'add_conversation_event',
      args: { event: 'attempt 1' },
      drift: { event: 'attempt 2' },
      attempt: 1,
      lastAttempt: 2,
      unreached: false,
    });
    expect(await timelineOf(execution)).toEqual([{ id: written?.id, description: 'attempt 1' }]);
    expect(execution.result).toMatchObject([written?.id, null, null]);
  });

  it('makes a read anew where its arguments changed, and only there', () => {
    const reads = executionOf('drifts').calls.filter(({ effect }) => effect === 'read');
    expect(reads.map((call) => [call.n, call.try, call.args, call.attempt, call.lastAttempt, call.unreached])).toEqual([
      [1, 1, { key: 'key 1' }, 1, 1, true],
      [2, 1, { key: 'same key' }, 1, 2, false],
      [1, 2, { key: 'key 2' }, 2, 2, false],
    ]);
    expect(reads.map(({ drift }) => drift)).toEqual([null, null, null]);
  });

  it('shows a recorded call that it does not come to again, whose effect stays', async () => {
    const execution = executionOf('drifts');
    expect(execution.calls.filter(({ unreached }) => unreached).map(({ name }) => name)).toEqual([
      'get_conversation_metadata',
      'set_conversation_metadata',
    ]);
    const metadata = await system.store.db.selectFrom('conversation_metadata').select(['key', 'value']).execute();
    expect(metadata).toEqual([{ key: 'of the first attempt', value: 'stays' }]);
  });

  it('is refused again what was refused, without another call', () => {
    const execution = executionOf('refused');
    expect(outcomesOf(execution)).toEqual(['failed', 'succeeded']);
    expect(execution.result).toEqual(['invalid_arguments', 'add_conversation_tag: tag: the tag must not be empty']);
    expect(execution.calls).toMatchObject([
      { n: 1, try: 1, state: 'refused', error: { code: 'invalid_arguments' }, attempt: 1, lastAttempt: 2 },
    ]);
  });

  it('makes a call again that had no answer, as a new try', () => {
    const execution = executionOf('unavailable');
    expect(outcomesOf(execution)).toEqual(['failed', 'succeeded']);
    expect(execution.attemptLog[0]?.error).toMatchObject({ type: 'HelperError' });
    expect(execution.calls).toMatchObject([
      { n: 1, try: 1, state: 'transient', error: { code: 'helper_unavailable' }, attempt: 1, unreached: true },
      { n: 1, try: 2, state: 'succeeded', answer: { success: false }, attempt: 2, unreached: false },
    ]);
  });

  it('draws the same random numbers', async () => {
    const execution = executionOf('seeded');
    expect(outcomesOf(execution)).toEqual(['failed', 'succeeded']);
    expect(execution.calls).toMatchObject([{ try: 1, drift: null, lastAttempt: 2 }]);
    expect(await timelineOf(execution)).toHaveLength(1);
  });
});

describe('two handlers of the same code on one event', () => {
  it('have an effect each', async () => {
    const [first, second] = [executionOf('twin-a'), executionOf('twin-b')];
    expect(await timelineOf(first)).toEqual([{ id: first.calls[0]?.id, description: 'twin' }]);
    expect(await timelineOf(second)).toEqual([{ id: second.calls[0]?.id, description: 'twin' }]);
    expect(first.calls[0]?.id).not.toBe(second.calls[0]?.id);
  });
});

describe('an attempt that is lost', () => {
  it('does not count against the attempts of the handler', async () => {
    const execution = executionOf('cage-breaks-twice');
    expect(outcomesOf(execution)).toEqual(['lost', 'lost', 'succeeded']);
    expect(execution).toMatchObject({ status: 'succeeded', reason: null, error: null, result: 'run at last' });
    expect(await userFailuresOf(system, execution.id)).toBe(0);
  });

  it('leaves its calls to the next one', async () => {
    const execution = executionOf('cage-breaks-midway');
    expect(outcomesOf(execution)).toEqual(['lost', 'succeeded']);
    expect(execution.calls.map((call) => [call.n, call.try, call.attempt, call.lastAttempt])).toEqual([
      [1, 1, 1, 2],
      [2, 1, 2, 2],
    ]);
    const timeline = await timelineOf(execution);
    expect(timeline.map(({ id }) => id)).toEqual(execution.result);
    expect(timeline.map(({ description }) => description)).toEqual(['midway 0', 'midway 1']);
  });

  it('is the last one when it is the fifth in a row', async () => {
    const execution = executionOf('cage-always-breaks');
    expect(outcomesOf(execution)).toEqual(['lost', 'lost', 'lost', 'lost', 'lost']);
    expect(execution).toMatchObject({
      status: 'failed',
      reason: 'worker_lost',
      error: { type: 'Afterword', message: 'The Python fork server is gone' },
    });
    expect(await userFailuresOf(system, execution.id)).toBe(0);
  });

  it('counts in a row only: a failure of the handler’s own begins anew; after five the sixth runs nothing', async () => {
    const { db } = system.store;
    await system.push('never-started', once('return 1'), { eventType: 'conversation_reopened' });
    const event = ConversationEventInput.parse(closedEvent({ type: 'conversation_reopened' }));
    const [pinned] = (await acceptEvent(db, organization, event)).executions;
    if (pinned === undefined) throw new Error('nothing was pinned');
    const begin = (attempt: number) => {
      const now = new Date();
      const ref = { organizationId: organization, executionId: pinned.executionId, attempt };
      return beginAttempt(db, {
        ...ref,
        turn: ref.attempt,
        claimFor: 'run',
        queuedAt: now,
        startedAt: now,
        worker: 'killed',
      });
    };
    for (const attempt of [1, 2, 3, 4]) await begin(attempt);
    expect(await begin(5)).toMatchObject({ kind: 'begun', lostInARow: 4, userFailures: 0 });
    const raised = {
      outcome: 'failed',
      reason: 'raised',
      error: null,
      resultJson: null,
      runMs: 1,
      final: null,
    } as const;
    await finishAttempt(
      db,
      { organizationId: organization, executionId: pinned.executionId, attempt: 5 },
      { ...raised, reached: [] },
      [],
    );
    expect(await begin(6)).toMatchObject({ kind: 'begun', lostInARow: 0, userFailures: 1 });
    for (const attempt of [7, 8, 9, 10]) await begin(attempt);

    const runHandler = createRunHandler({
      store: system.store,
      client: system.temporal.client,
      helpers: [],
      gateway: gatewayToStandIns(),
      sandbox: { run: () => Promise.reject(new Error('nothing is to run')), close: ok },
    });
    const input = { organizationId: organization, executionId: pinned.executionId, claimFor: 'run' };
    const activity = new MockActivityEnvironment({ attempt: 11 }).run(runHandler, input);
    await expect(activity).rejects.toMatchObject({ type: 'HandlerFailed', nonRetryable: true });
    const execution = await getExecution(db, organization, pinned.executionId);
    expect(execution).toMatchObject({ status: 'failed', reason: 'worker_lost' });
    expect(outcomesOf(execution)).toEqual([
      'lost',
      'lost',
      'lost',
      'lost',
      'failed',
      ...Array.from({ length: 6 }, () => 'lost'),
    ]);
  });
});

describe('an attempt', () => {
  it('is given the limits of the product', async () => {
    const { db } = system.store;
    const name = 'is-given-limits';
    await system.push(name, once('return 1'), { eventType: 'conversation_reopened' });
    const event = ConversationEventInput.parse(closedEvent({ type: 'conversation_reopened' }));
    const pinned = (await acceptEvent(db, organization, event)).executions.find(
      ({ handlerName }) => handlerName === name,
    );
    if (pinned === undefined) throw new Error('nothing was pinned');
    const given: SandboxLimits[] = [];
    const runHandler = createRunHandler({
      store: system.store,
      client: system.temporal.client,
      helpers: [],
      gateway: gatewayToStandIns(),
      sandbox: {
        run(program) {
          given.push(program.limits);
          return Promise.resolve({ outcome: 'succeeded', result: 1, events: [], runMs: 1 });
        },
        close: ok,
      },
    });
    const input = { organizationId: organization, executionId: pinned.executionId, claimFor: 'run' };
    await new MockActivityEnvironment({ attempt: 1 }).run(runHandler, input);
    expect(given).toEqual([
      {
        wallMs: 59_500,
        spentMs: expect.any(Number) as number,
        cpuSeconds: limits.handlerCpuSeconds,
        memoryBytes: limits.handlerMemoryBytes,
        outputBytes: limits.outputBytes,
        resultBytes: limits.resultBytes,
        callBytes: limits.callArgumentsBytes,
        requestBytes: limits.httpRequestBytes,
        requestHeadBytes: limits.httpHeadBytes,
        events: limits.analyticsEvents,
        eventBytes: limits.analyticsEventsBytes,
      },
    ]);
    expect(given[0]?.spentMs).toBeGreaterThanOrEqual(0);
    expect(given[0]?.spentMs).toBeLessThan(4_500);
  });
});

describe(`the limit of ${String(limits.helperCallsPerExecution)} calls`, () => {
  it('is one of the execution: over two attempts, of which the second gets a hundred answers for nothing', () => {
    const execution = executionOf('at-the-limit');
    expect(outcomesOf(execution)).toEqual(['failed', 'succeeded']);
    expect(execution.calls).toHaveLength(limits.helperCallsPerExecution);
    expect(execution.calls.filter(({ attempt }) => attempt === 1)).toHaveLength(100);
  });

  it('ends a handler that goes past it, at once and for good', () => {
    const execution = executionOf('past-the-limit');
    expect(outcomesOf(execution)).toEqual(['failed']);
    expect(execution).toMatchObject({ status: 'failed', reason: 'limit_exceeded', error: { type: 'LimitExceeded' } });
    expect(execution.calls).toHaveLength(limits.helperCallsPerExecution);
    expect(execution.stdout.trimEnd().split('\n').at(-1)).toBe(String(limits.helperCallsPerExecution));
  });

  it('asks the workflow no more than that', async () => {
    const work = await workOf(system, executionOf('past-the-limit').workflowId);
    expect(work.updates).toBe(2 * limits.helperCallsPerExecution);
    expect(work.scheduled).toHaveLength(2 * limits.helperCallsPerExecution);
  });
});
