import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';
import { eventually, fetchHistory, handler, useHandlers, type HandlerOfTest } from './spine-system.ts';

/** Long enough for what should end, also on a busy machine; short enough to wait for what should not. */
const wallMs = 6_000;

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ wallMs });
});
afterAll(() => system.stop());

describe('how handlers end that run side by side', () => {
  const handlers = {
    quick: handler('add_conversation_tag(context, "quick")\nprint("quick")\nreturn {"done": True}'),
    slow: handler('time.sleep(1)\nadd_conversation_event(context, "slow")\nreturn "slow"'),
    'raises-twice': handler(`
print("attempt", context["args"]["attempt"])
add_conversation_event(context, "raises-twice")
if context["args"]["attempt"] < 3:
    raise ValueError("not yet")
return context["args"]["attempt"]`),
    'raises-always': handler('print("before")\nraise KeyError("always")'),
    'raises-once-allowed-once': { code: handler('raise ValueError("once")'), attempts: 1 },
    'syntax-error': 'def handle_event(context)\n    return 1\n',
    'no-entry-point': 'def handle(context):\n    return 1\n',
    'not-json': handler('return {1, 2}'),
    exits: { code: handler('sys.exit(3)'), attempts: 2 },
    'exits-cleanly': { code: handler('sys.exit()'), attempts: 1 },
    'out-of-memory': { code: handler('return len(bytearray(10 ** 10))'), attempts: 2 },
    crashes: { code: handler('import os\nos._exit(7)'), attempts: 2 },
    'result-too-large': handler('return "x" * (256 * 1024)'),
    hangs: { code: handler('print("so far")\nprint("so bad", file=sys.stderr)\ntime.sleep(600)'), attempts: 1 },
    'hangs-once': handler('if context["args"]["attempt"] == 1:\n    time.sleep(600)\nreturn "second"'),
  } satisfies Record<string, string | HandlerOfTest>;
  type Name = keyof typeof handlers;

  let ran: Record<string, ExecutionDetail>;
  let history: string;
  beforeAll(async () => {
    await useHandlers(system, handlers);
    const { workflowId } = await system.client.publish(closedEvent());
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'partly' });
    ran = await system.executionsOf(workflowId);
    history = JSON.stringify(await fetchHistory(system, workflowId));
  });

  function executionOf(name: Name): ExecutionDetail {
    const execution = ran[name];
    if (execution === undefined) throw new Error(`${name} did not run`);
    return execution;
  }

  it.each<[Name, object]>([
    ['quick', { status: 'succeeded', reason: null, error: null, attempts: 1, result: { done: true } }],
    ['slow', { status: 'succeeded', reason: null, attempts: 1, result: 'slow' }],
    ['raises-twice', { status: 'succeeded', reason: null, error: null, attempts: 3, result: 3 }],
    ['raises-always', { status: 'failed', reason: 'raised', attempts: 3, error: { type: 'KeyError' } }],
    ['raises-once-allowed-once', { status: 'failed', reason: 'raised', attempts: 1, error: { message: 'once' } }],
    ['syntax-error', { status: 'failed', reason: 'syntax_error', attempts: 1, error: { type: 'SyntaxError' } }],
    ['no-entry-point', { status: 'failed', reason: 'no_entry_point', attempts: 1 }],
    ['not-json', { status: 'failed', reason: 'not_json', attempts: 1 }],
    ['exits', { status: 'failed', reason: 'exited', attempts: 2 }],
    ['exits-cleanly', { status: 'failed', reason: 'exited', attempts: 1 }],
    ['out-of-memory', { status: 'failed', reason: 'out_of_memory', attempts: 2 }],
    ['crashes', { status: 'failed', reason: 'crashed', attempts: 2 }],
    ['result-too-large', { status: 'failed', reason: 'limit_exceeded', attempts: 1 }],
    ['hangs', { status: 'timed_out', reason: null, attempts: 1, error: { type: 'Timeout' } }],
    ['hangs-once', { status: 'succeeded', attempts: 2, result: 'second' }],
  ])('%s: %j', (name, expected) => {
    expect(executionOf(name)).toMatchObject(expected);
    expect(executionOf(name).finishedAt).not.toBeNull();
  });

  it('the quick one was done long before the hanging one: neither waited for the other', () => {
    const quick = executionOf('quick');
    expect(Date.parse(quick.finishedAt ?? '')).toBeLessThan(Date.parse(executionOf('hangs').finishedAt ?? ''));
    expect(quick).toMatchObject({ stdout: 'quick\n', stderr: '', calls: [{ state: 'succeeded' }] });
  });

  it('every attempt has its number, its outcome, its error and its own output', () => {
    expect(executionOf('raises-twice').attemptLog).toMatchObject([
      { attempt: 1, outcome: 'failed', reason: 'raised', error: { message: 'not yet' }, stdout: 'attempt 1\n' },
      { attempt: 2, outcome: 'failed', reason: 'raised', error: { message: 'not yet' }, stdout: 'attempt 2\n' },
      { attempt: 3, outcome: 'succeeded', reason: null, error: null, stdout: 'attempt 3\n' },
    ]);
    expect(executionOf('hangs-once').attemptLog).toMatchObject([{ outcome: 'timed_out' }, { outcome: 'succeeded' }]);
  });

  it('a call made by the first attempt is not made again by the next', () => {
    const { calls } = executionOf('raises-twice');
    expect(calls).toMatchObject([{ name: 'add_conversation_event', state: 'succeeded', attempt: 1, lastAttempt: 3 }]);
  });

  it('the user’s frames stand at the end of stderr and in the error', () => {
    const { stderr, error } = executionOf('raises-always');
    expect(error?.traceback).toMatch(/^Traceback.*in handle_event.*KeyError: 'always'/s);
    expect(stderr.endsWith(error?.traceback ?? '?')).toBe(true);
    expect(error?.traceback).not.toContain('run_handler');
    expect(executionOf('syntax-error').stderr).toContain('SyntaxError');
  });

  it('a kill keeps the output until then', () => {
    expect(executionOf('hangs')).toMatchObject({ stdout: 'so far\n', stderr: 'so bad\n' });
    expect(executionOf('hangs').runMs).toBeGreaterThan(wallMs / 2);
    expect(executionOf('hangs').runMs).toBeLessThan(wallMs + 5_000);
  });

  it('user failures reach Temporal as benign ones that carry none of the user’s words', () => {
    expect(history).toContain('HandlerFailed');
    expect(history).not.toContain('sandbox_failed');
    expect(history).not.toContain('not yet');
    expect(history).not.toContain('KeyError');
  });
});

describe('a handler that is killed', () => {
  const killedBy = (name: string, statement: string): HandlerOfTest => ({
    code: handler(`set_conversation_metadata(context, "${name}", "stays")\nprint("x" * 100_000)\n${statement}`),
    attempts: 1,
  });
  const handlers = {
    'by-time': killedBy('by-time', 'time.sleep(600)'),
    'by-memory': killedBy('by-memory', 'kept = []\nwhile True:\n    kept.append(bytes(1_000_000))'),
    'by-exit': killedBy('by-exit', 'import os\nos._exit(1)'),
  };

  let ran: Record<string, ExecutionDetail>;
  beforeAll(async () => {
    await useHandlers(system, handlers);
    ran = await system.run();
  });

  it.each([
    ['by-time', { status: 'timed_out', reason: null, error: { type: 'Timeout' } }],
    ['by-memory', { status: 'failed', reason: 'out_of_memory' }],
    ['by-exit', { status: 'failed', reason: 'crashed' }],
  ] as const)('%s keeps its call, its effect and both ends of its output', async (name, expected) => {
    expect(ran[name]).toMatchObject({ ...expected, attempts: 1, calls: [{ state: 'succeeded' }] });
    const values = await system.store.db
      .selectFrom('conversation_metadata')
      .select('value')
      .where('key', '=', name)
      .execute();
    expect(values).toEqual([{ value: 'stays' }]);
    const half = limits.logKeptBytes / 2;
    const printed = `${'x'.repeat(100_000)}\n`;
    const gap = `\n… ${String(printed.length - 2 * half)} bytes left out …\n`;
    // Not in the assertion itself: 64 KB of difference can be read by nobody.
    expect(ran[name]?.stdout === printed.slice(0, half) + gap + printed.slice(-half)).toBe(true);
  });
});

describe('the attempts that a handler is given', () => {
  it('are ten at most, and all ten are made', async () => {
    await useHandlers(system, {
      tenth: {
        code: handler('if context["args"]["attempt"] < 10:\n    raise ValueError()\nreturn "tenth"'),
        attempts: 10,
      },
      never: { code: handler('raise ValueError()'), attempts: 10 },
    });
    const { workflowId } = await system.client.publish(closedEvent());
    const result = system.client.result(workflowId);
    await shortenBackOff(workflowId);
    expect(await result).toMatchObject({ status: 'partly' });
    expect(await system.executionsOf(workflowId)).toMatchObject({
      tenth: { status: 'succeeded', attempts: 10, result: 'tenth' },
      never: { status: 'failed', reason: 'raised', attempts: 10 },
    });
  });

  /** The pauses between ten attempts add up to two and a half minutes; an operator can shorten them, and so do we. */
  async function shortenBackOff(workflowId: string): Promise<void> {
    const { client, namespace } = system.temporal;
    await eventually(() =>
      client.workflowService.updateActivityOptions({
        namespace,
        execution: { workflowId },
        type: 'runHandler',
        activityOptions: { retryPolicy: { initialInterval: { nanos: 50_000_000 }, backoffCoefficient: 1 } },
        updateMask: { paths: ['retry_policy.initial_interval', 'retry_policy.backoff_coefficient'] },
      }),
    );
  }
});

describe('an execution that waits for a free slot', () => {
  let narrow: TestSystem;
  beforeAll(async () => {
    narrow = await startSystem({ handlerSlots: 1 });
  });
  afterAll(() => narrow.stop());

  it('counts waiting and running apart', async () => {
    const sleepsWhereFirst = handler(`
if get_conversation_metadata(context, "first") is None:
    set_conversation_metadata(context, "first", "yes")
    time.sleep(1.5)
return context["args"]["attempt"]`);
    await useHandlers(narrow, { one: sleepsWhereFirst, other: sleepsWhereFirst });
    const executions = Object.values(await narrow.run());
    const [first, second] = executions.sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? -1 : 1));
    expect(first?.runMs).toBeGreaterThan(1_400);
    expect(second?.queueMs).toBeGreaterThan(1_400);
    expect(second?.queueMs).toBeGreaterThan(second?.runMs ?? Infinity);
    expect(second?.runMs).toBeLessThan(first?.runMs ?? 0);
    expect(second).toMatchObject({ attempts: 1, attemptLog: [{ queueMs: expect.closeTo(second?.queueMs ?? 0, -1) }] });
  });
});
