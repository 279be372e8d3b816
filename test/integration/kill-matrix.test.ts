import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckpointName } from '../../src/activities/checkpoint.ts';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import type { ConversationEventResult } from '../../src/contract/workflow.ts';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import type { AttemptOutcome } from '../../src/domain/status.ts';
import { acceptEvent } from '../../src/store/conversation-events.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { readLogs } from '../../src/store/executions.ts';
import { createEventStarter } from '../../src/temporal/start-event.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { expectFiveEffectsOnce, userFailuresOf, workOf } from './fixtures/kill-worker/effects.ts';
import { fiveCalls, fiveCallsHandler, outputUntil, raisingHandler } from './fixtures/kill-worker/five-calls.ts';
import { livingOf } from '../setup/process-tree.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';

/**
 * One worker process runs one event for each point at which a worker can die. When every event has come to its point
 * the process is killed; another one, which stops nowhere, takes all of them up. One kill for the whole matrix: a lost
 * worker is noticed after 10 s, a lost helper after 20.
 */

type EventKind = 'five calls' | 'raises' | 'no handlers';

interface Kill {
  readonly name: string;
  /** Null where the handler's own code is where it stays. */
  readonly point: CheckpointName | null;
  readonly call: string | null;
  readonly subject: string;
  readonly event: EventKind;
  /** Stored and pinned before the start, as the API does it, instead of by `openEvent`. */
  readonly stored: boolean;
  /** Of the attempts that wrote anything. */
  readonly outcomes: readonly AttemptOutcome[];
  /** What the first attempt has printed at least. */
  readonly kept: string;
}

const eventTypes = {
  'five calls': 'conversation_closed',
  raises: 'conversation_handed_off',
  'no handlers': 'conversation_reopened',
} as const;

const lostThenDone = ['lost', 'succeeded'] as const;
const callPoints = [
  'intent:before',
  'intent:after',
  'helper:before',
  'helper:unrecorded',
  'helper:recorded',
  'answer:read',
] as const;

const kills: readonly Kill[] = [
  ...fiveCalls.flatMap((call, index) => [
    ...callPoints.map((point) =>
      aKill(`${point} of ${call}`, {
        point,
        call,
        outcomes: lostThenDone,
        kept:
          point !== 'intent:before'
            ? outputUntil('before', index + 1)
            : index === 0
              ? ''
              : outputUntil('before', index),
      }),
    ),
    aKill(`the reply to ${call}`, {
      point: null,
      subject: `hang after ${String(index + 1)}`,
      outcomes: lostThenDone,
      kept: outputUntil('after', index + 1),
    }),
  ]),
  aKill('open:before', { point: 'open:before' }),
  aKill('open:after', { point: 'open:after' }),
  aKill('begin:before', { point: 'begin:before' }),
  aKill('begin:after', { point: 'begin:after', outcomes: lostThenDone }),
  aKill('begin:before, pinned before the start', { point: 'begin:before', stored: true }),
  aKill('begin:after, pinned before the start', { point: 'begin:after', stored: true, outcomes: lostThenDone }),
  aKill('finish:before', { point: 'finish:before', outcomes: lostThenDone, kept: outputUntil('before', 5) }),
  aKill('finish:after', { point: 'finish:after' }),
  aKill('finish:before of a handler that raised', {
    point: 'finish:before',
    event: 'raises',
    outcomes: ['lost', 'failed'],
    kept: 'before\n',
  }),
  aKill('finish:after of a handler that raised', { point: 'finish:after', event: 'raises', outcomes: ['failed'] }),
  aKill('settle:before', { point: 'settle:before', event: 'raises', outcomes: ['failed'] }),
  aKill('settle:after', { point: 'settle:after', event: 'raises', outcomes: ['failed'] }),
  aKill('open:before without handlers', { point: 'open:before', event: 'no handlers', outcomes: [] }),
  aKill('open:after without handlers', { point: 'open:after', event: 'no handlers', stored: true, outcomes: [] }),
];

function aKill(name: string, more: Partial<Kill> & Pick<Kill, 'point'>): Kill {
  return {
    name,
    call: null,
    subject: 'go on',
    event: 'five calls',
    stored: false,
    outcomes: ['succeeded'],
    kept: '',
    ...more,
  };
}

const killsOf = (kind: EventKind): [string, Kill][] =>
  kills.filter(({ event }) => event === kind).map((kill) => [kill.name, kill]);
const eventIdOf = (kill: Kill) => `killed at ${kill.name}`;
const workflowOf = (kill: Kill) => workflowIdOf(organization, 'default', eventIdOf(kill));
const executionIn = (executions: Record<string, ExecutionDetail>, handler: string): ExecutionDetail => {
  const execution = executions[handler];
  if (execution === undefined) throw new Error(`no execution of ${handler}`);
  return execution;
};

let system: TestSystem;
let results: Map<string, ConversationEventResult>;
const workers: SpawnedWorker[] = [];

beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
  await system.push('five-calls', fiveCallsHandler);
  await system.push('raising', raisingHandler, { eventType: eventTypes.raises, settings: { attempts: 1 } });
  for (const kill of kills) await publish(kill);

  const stops = kills.flatMap((kill) => {
    return kill.point === null ? [] : [{ workflowId: workflowOf(kill), point: kill.point, call: kill.call }];
  });
  const first = await spawn({ stops, handlerSlots: kills.length });
  // Frozen activities, too, have their time: 60 s.
  await vi.waitFor(async () => expect(await notAtTheirPoint(first)).toEqual([]), { timeout: 45_000, interval: 100 });
  expect(first.processes().length).toBeGreaterThan(stops.length / 2);
  const started = first.processes();
  await first.kill();
  expect(livingOf(started)).toEqual([]);

  await spawn({ handlerSlots: 16 });
  results = new Map(
    await Promise.all(kills.map(async (kill) => [kill.name, await system.client.result(workflowOf(kill))] as const)),
  );
}, 200_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await system.stop();
});

async function spawn(options: Parameters<typeof SpawnedWorker.start>[1]): Promise<SpawnedWorker> {
  const worker = await SpawnedWorker.start(system, options);
  workers.push(worker);
  return worker;
}

async function publish(kill: Kill): Promise<void> {
  const event = closedEvent({ id: eventIdOf(kill), type: eventTypes[kill.event] });
  if ('conversation' in event) event.conversation.subject = kill.subject;
  if (!kill.stored) {
    await system.client.publish(event);
    return;
  }
  const accepted = await acceptEvent(system.store.db, organization, ConversationEventInput.parse(event));
  const start = createEventStarter(system.temporal.client, { taskQueue: system.taskQueue });
  await start({ organizationId: organization, ...accepted });
}

/** A handler that hangs in its own code is where it should be when its last line stands in the store. */
async function notAtTheirPoint(worker: SpawnedWorker): Promise<string[]> {
  const missing = await Promise.all(
    kills.map(async (kill) => {
      if (kill.point !== null) return worker.frozen.has(workflowOf(kill)) ? [] : [kill.name];
      const output = await firstOutputOf(workflowOf(kill));
      return output === kill.kept ? [] : [`${kill.name}: printed ${JSON.stringify(output)}`];
    }),
  );
  return missing.flat();
}

async function firstOutputOf(workflowId: string): Promise<string | undefined> {
  const row = await system.store.db
    .selectFrom('executions')
    .innerJoin('conversation_events', 'conversation_events.id', 'executions.event_id')
    .select('executions.id')
    .where('conversation_events.workflow_id', '=', workflowId)
    .executeTakeFirst();
  return row === undefined ? undefined : (await readLogs(system.store.db, organization, row.id, 1)).stdout;
}

describe('a worker killed at every point of a handler with five calls', () => {
  it.each(killsOf('five calls'))('%s: every effect once, all logs kept', async (_name, kill) => {
    expect(results.get(kill.name)).toMatchObject({ status: 'succeeded', executions: [{ status: 'succeeded' }] });
    const execution = executionIn(await system.executionsOf(workflowOf(kill)), 'five-calls');
    expect(execution.attemptLog.map(({ outcome }) => outcome)).toEqual(kill.outcomes);
    await expectFiveEffectsOnce(system, execution);
    const [first] = execution.attemptLog;
    expect(execution.stdout.startsWith(first?.stdout ?? '')).toBe(true);
    expect(first?.stdout.startsWith(kill.kept)).toBe(true);
  });

  it.each(killsOf('raises'))('%s: fails once, its call made once', async (_name, kill) => {
    expect(results.get(kill.name)).toMatchObject({
      status: 'failed',
      executions: [{ status: 'failed', reason: 'raised' }],
    });
    const execution = executionIn(await system.executionsOf(workflowOf(kill)), 'raising');
    expect(execution).toMatchObject({
      status: 'failed',
      reason: 'raised',
      error: { type: 'ValueError', message: 'no' },
      stdout: 'before\nafter\n',
      calls: [{ name: 'add_conversation_event', n: 1, try: 1, state: 'succeeded', unreached: false }],
    });
    expect(execution.attemptLog.map(({ outcome }) => outcome)).toEqual(kill.outcomes);
    expect(execution.attemptLog[0]?.stdout.startsWith(kill.kept)).toBe(true);
    expect(await userFailuresOf(system, execution.id)).toBe(1);
    const { timeline } = await getConversation(system.store.db, organization, execution.conversationId ?? '');
    expect(timeline).toMatchObject([{ id: execution.calls[0]?.id, description: 'raising' }]);
    expect(await workOf(system, execution.workflowId)).toEqual({ updates: 1, scheduled: ['add_conversation_event'] });
  });

  it.each(killsOf('no handlers'))('%s: ends with nothing to do', (_name, kill) => {
    expect(results.get(kill.name)).toMatchObject({ status: 'no_handlers', executions: [] });
  });

  it('has stored every event once and claimed it for its one run', async () => {
    const events = await system.store.db.selectFrom('conversation_events').select(['event_id', 'claimed_by']).execute();
    expect(events.map(({ event_id }) => event_id).sort()).toEqual(kills.map(eventIdOf).sort());
    expect(events.filter(({ claimed_by }) => claimed_by === null)).toEqual([]);
  });
});
