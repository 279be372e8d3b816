import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  type ReplayWorkerOptions,
} from '@temporalio/worker';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import '../setup/provided.ts';
import { historyNames, readHistory } from './history-file.ts';
import { replay } from './replay.ts';
import { scenarios } from './scenarios.ts';

const logger = new DefaultLogger('ERROR');
const names = historyNames();

let current: ReplayWorkerOptions;

beforeAll(async () => {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({ logger, telemetryOptions: { logging: { filter } } });
  current = { workflowBundle: { code: await readFile(inject('workflowBundle'), 'utf8') } };
});

describe('events that an earlier release began go on in this one', () => {
  it.each(names)('%s', (name) => replay(current, readHistory(name)));

  it('and in workers that trace', async () => {
    const path = inject('workflowBundle').replace(/\.js$/, '-traced.js');
    const traced: ReplayWorkerOptions = { workflowBundle: { code: await readFile(path, 'utf8') } };
    const some = ['succeeded-with-calls', 'many-handlers', 'cancelled-running', 'tells-waiting-workflows'];
    for (const name of some) await replay(traced, readHistory(name));
  });

  it('for every scenario that can be recorded', () => {
    const recorded = scenarios.flatMap(({ name, histories = [name] }) => histories);
    expect(
      recorded.filter((name) => !names.includes(name)),
      'run `npm run replay:record`',
    ).toEqual([]);
  });
});

describe('a change of the workflow code that would strand running events', () => {
  let changed: ReplayWorkerOptions;

  beforeAll(async () => {
    const workflowsPath = fileURLToPath(new URL('fixtures/changed-workflows.ts', import.meta.url));
    changed = { workflowBundle: await bundleWorkflowCode({ workflowsPath, logger }) };
  });

  it('is found, and the message says what to do', async () => {
    const failure = expect(replay(changed, readHistory('succeeded-with-calls'))).rejects;
    await failure.toThrow(/succeeded-with-calls\.json recorded.*Nondeterminism.*patched\(.*npm run replay:record/s);
  });

  it.each(['many-handlers', 'direct-start', 'cancelled-running'])('is found by %s too', async (name) => {
    await expect(replay(changed, readHistory(name))).rejects.toThrow('no longer takes the path');
  });

  it('is not seen by workflows that did not change', () => replay(changed, readHistory('many-handlers-second-group')));
});

describe('a recorded history', () => {
  it.each(names)('%s says nothing of the machine it was recorded on, nor what people wrote', (name) => {
    const { text, history } = readHistory(name);
    expect(text).not.toMatch(/\/(?:home|root|tmp|Users|usr|var|work|app)\//);
    expect(text).not.toMatch(/"identity":"(?!recorder")/);
    expect(text).not.toMatch(/"stackTrace":"[^"]/);
    expect(text).not.toMatch(/"messages":|"content":/);
    expect(history.events?.length).toBeGreaterThan(3);
  });

  it.each([
    ['no-handlers', 'openEvent'],
    ['direct-start', 'openEvent'],
    ['failed', 'settle'],
    ['delivers-analytics', 'deliver-analytics'],
    ['redelivers-analytics', 'redeliverAnalytics'],
    ['applies-retention', 'auditEntries'],
    ['cancelled-waiting', 'EVENT_TYPE_ACTIVITY_TASK_CANCELED'],
    ['cancelled-running', 'EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED'],
    ['cancelled-with-call-in-flight', 'EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED'],
    ['lost-worker', 'TIMEOUT_TYPE_HEARTBEAT'],
    ['broken-cage', 'sandbox_failed'],
    ['call-unavailable', 'The helper is broken.'],
    ['timed-out', '"status":"timed_out"'],
    ['stored-duplicate', '"outcome":"duplicate"'],
    ['direct-start-duplicate', '"outcome":"duplicate"'],
    ['retried-with-recorded-calls', '"attempt":2'],
    ['many-handlers', 'EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED'],
    ['many-handlers-second-group', '"parentWorkflowExecution"'],
    ['delayed', 'EVENT_TYPE_TIMER_FIRED'],
    ['delayed-cancelled-by-event', 'EVENT_TYPE_TIMER_FIRED'],
    ['delayed-cancelled-before', 'checkDelayedHandler'],
    ['delayed-cancelled-by-signal', 'EVENT_TYPE_TIMER_CANCELED'],
    ['tells-waiting-workflows', 'EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED'],
    ['delayed-switched-off', '"status":"cancelled"'],
    ['delayed-event-cancelled', 'EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED'],
    ['queued-cancelled-by-event', '"cancellable":true'],
    ['one-cancelled', '"signalName":"cancelExecution"'],
    ['many-handlers-one-cancelled', 'EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED'],
    ['many-handlers-one-cancelled-second-group', '"signalName":"cancelExecution"'],
    ['many-handlers-cancelled-before-second-group', '"cancelled":['],
    ['many-handlers-cancelled', 'EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED'],
    ['group-terminated', 'EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED'],
  ])('%s has what makes its path: %s', (name, part) => {
    expect(readHistory(name).text.replaceAll('\\"', '"')).toContain(part);
  });
});
