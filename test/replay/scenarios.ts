import { readFile } from 'node:fs/promises';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { workflowBundlePath } from '../../src/config/workflow-bundle.ts';
import { SandboxError, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { laterScenarios } from './later-scenarios.ts';
import type { ScenarioSystem } from './recording-system.ts';
import type { Scenario } from './scenario-steps.ts';
import { begin, executionsBecome, publish, pushTwelve, settled, until } from './scenario-steps.ts';

const succeeds = 'def handle_event(context):\n    return context["args"]["attempt"]\n';
const fails = 'def handle_event(context):\n    raise ValueError("no")\n';
const sleeps = 'import time\ndef handle_event(context):\n    time.sleep(3)\n';
const hangs = 'import time\ndef handle_event(context):\n    time.sleep(600)\n';
const calls = `
def handle_event(context):
    add_conversation_tag(context, "vip")
    set_conversation_metadata(context, "csat", "5")
    get_conversation_metadata(context, "csat")
    delete_conversation_metadata(context, "csat")
    return add_conversation_event(context, "done")["success"]
`;
const callsThenRaisesOnce = `
def handle_event(context):
    add_conversation_tag(context, "vip")
    set_conversation_metadata(context, "csat", "5")
    if context["args"]["attempt"] == 1:
        raise ValueError("once")
    return get_conversation_metadata(context, "csat")
`;
const registers = `
def handle_event(context):
    register_event({"key": "k", "value_type": "int", "value": 1})
    return 1
`;
const callsThenHangs =
  'import time\ndef handle_event(context):\n    add_conversation_tag(context, "vip")\n    time.sleep(600)\n';

export const scenarios: readonly Scenario[] = [
  {
    name: 'succeeded-with-calls',
    async record(system) {
      await system.push('calls', calls);
      return settled(system, 'succeeded-with-calls', await begin(system));
    },
  },
  {
    name: 'delivers-analytics',
    async record(system) {
      await system.push('registers', registers);
      return settled(system, 'delivers-analytics', await begin(system));
    },
  },
  {
    name: 'redelivers-analytics',
    async record(system) {
      await system.startWorkers();
      const workflowId = 'analytics-redelivery/recorded';
      const { client } = system.temporal;
      const { taskQueue } = system;
      await client.workflow.execute('redeliverAnalytics', { workflowId, taskQueue, args: [] });
      return { 'redelivers-analytics': workflowId };
    },
  },
  {
    name: 'applies-retention',
    async record(system) {
      await system.startWorkers();
      const workflowId = 'retention/recorded';
      const { taskQueue } = system;
      await system.temporal.client.workflow.execute('applyRetention', { workflowId, taskQueue, args: [] });
      return { 'applies-retention': workflowId };
    },
  },
  {
    name: 'retried-with-recorded-calls',
    async record(system) {
      await system.push('retried', callsThenRaisesOnce);
      return settled(system, 'retried-with-recorded-calls', await begin(system));
    },
  },
  {
    name: 'rerun',
    async record(system) {
      await system.push('mended', callsThenRaisesOnce, { attempts: 1 });
      const accepted = await system.accept();
      await system.startWorkers();
      await system.client.result(await system.start(accepted));
      await system.push('mended', calls, { attempts: 1 });
      const workflowId = await system.rerun(accepted.executions[0]?.executionId ?? '');
      return settled(system, 'rerun', workflowId);
    },
  },
  {
    name: 'failed',
    async record(system) {
      await system.push('fails', fails, { attempts: 1 });
      return settled(system, 'failed', await begin(system));
    },
  },
  {
    name: 'timed-out',
    async record(system) {
      await system.push('hangs', hangs, { attempts: 1 });
      await system.startWorkers({ wallMs: 500 });
      return settled(system, 'timed-out', await publish(system));
    },
  },
  {
    name: 'no-handlers',
    async record(system) {
      return settled(system, 'no-handlers', await begin(system));
    },
  },
  {
    name: 'direct-start',
    async record(system) {
      await system.push('calls', calls);
      await system.push('fails', fails, { attempts: 1 });
      await system.startWorkers();
      return settled(system, 'direct-start', await publishDirect(system));
    },
  },
  {
    name: 'direct-start-no-handlers',
    async record(system) {
      await system.startWorkers();
      return settled(system, 'direct-start-no-handlers', await publishDirect(system));
    },
  },
  {
    name: 'direct-start-duplicate',
    async record(system) {
      await system.push('succeeds', succeeds);
      await system.startWorkers();
      const { eventId, conversationId } = await system.accept({}, 'an-earlier-run');
      const workflowId = await system.publishDirect({ id: eventId, conversationId });
      return settled(system, 'direct-start-duplicate', workflowId);
    },
  },
  {
    name: 'stored-duplicate',
    async record(system) {
      await system.push('succeeds', succeeds);
      await system.startWorkers();
      const workflowId = await system.start(await system.accept({}, 'an-earlier-run'));
      return settled(system, 'stored-duplicate', workflowId);
    },
  },
  {
    name: 'lost-worker',
    async record(system) {
      await system.push('calls', calls);
      const workflowId = await publish(system);
      await onlyWorkflows(system, () => system.loseOneHandler());
      await system.startWorkers();
      return settled(system, 'lost-worker', workflowId);
    },
  },
  {
    name: 'broken-cage',
    async record(system) {
      await system.push('calls', calls);
      let broken = false;
      const sandbox: Sandbox = {
        run: (...run) => {
          if (broken) return system.sandbox.run(...run);
          broken = true;
          return Promise.reject(new SandboxError('The cage broke.'));
        },
        close: () => Promise.resolve(),
      };
      await system.startWorkers({ sandbox });
      return settled(system, 'broken-cage', await publish(system));
    },
  },
  {
    name: 'call-unavailable',
    async record(system) {
      await system.push('calls', calls, { attempts: 1 });
      await system.startWorkers({
        checkpoint: (name) =>
          name === 'helper:before'
            ? Promise.reject(ApplicationFailure.nonRetryable('The helper is broken.', 'broken'))
            : Promise.resolve(),
      });
      return settled(system, 'call-unavailable', await publish(system));
    },
  },
  {
    name: 'cancelled-running',
    async record(system) {
      await system.push('hangs', callsThenHangs);
      await system.push('succeeds', succeeds);
      await system.startWorkers();
      const workflowId = await publish(system);
      await executionsBecome(system, ['running', 'succeeded']);
      await callsBecome(system, 'succeeded');
      await system.client.conversationChanged(workflowId, {
        eventId: 'later',
        type: 'conversation_reopened',
        occurredAt: '2026-01-05T11:00:00Z',
      });
      await system.client.cancel(workflowId);
      return settled(system, 'cancelled-running', workflowId);
    },
  },
  {
    name: 'cancelled-waiting',
    async record(system) {
      await system.push('a-hangs', hangs);
      await system.push('b-hangs', hangs);
      await system.startWorkers({ handlerSlots: 1 });
      const workflowId = await publish(system);
      await executionsBecome(system, ['running', 'waiting']);
      await system.client.cancel(workflowId);
      return settled(system, 'cancelled-waiting', workflowId);
    },
  },
  {
    name: 'cancelled-with-call-in-flight',
    async record(system) {
      await system.push('calls', calls);
      const accepted = await system.accept();
      await system.startWorkers({
        async checkpoint(name) {
          if (name === 'helper:before') await system.client.cancel(accepted.workflowId);
        },
      });
      return settled(system, 'cancelled-with-call-in-flight', await system.start(accepted));
    },
  },
  {
    name: 'many-handlers',
    histories: ['many-handlers', 'many-handlers-second-group'],
    async record(system) {
      await pushTwelve(system, callsThenRaisesOnce);
      const workflowId = await begin(system);
      return {
        ...(await settled(system, 'many-handlers', workflowId)),
        'many-handlers-second-group': `${workflowId}/handlers-2`,
      };
    },
  },
  {
    name: 'many-handlers-changed',
    histories: ['many-handlers-changed', 'many-handlers-changed-second-group'],
    async record(system) {
      await pushTwelve(system, sleeps);
      const workflowId = await begin(system);
      await executionsBecome(
        system,
        Array.from({ length: 12 }, () => 'running'),
      );
      await system.client.conversationChanged(workflowId, {
        eventId: 'later',
        type: 'conversation_reopened',
        occurredAt: '2026-01-05T11:00:00Z',
      });
      return {
        ...(await settled(system, 'many-handlers-changed', workflowId)),
        'many-handlers-changed-second-group': `${workflowId}/handlers-2`,
      };
    },
  },
  {
    name: 'not-opened',
    async record(system) {
      await system.startWorkers();
      const workflowId = await system.publishDirect({ id: 'E-1', conversationId: 'nobody-sent-this' });
      return settled(system, 'not-opened', workflowId);
    },
  },
  ...laterScenarios,
];

async function publishDirect(system: ScenarioSystem): Promise<string> {
  // Of a type that no handler has: it makes the conversation known.
  const { conversationId } = await system.accept({ type: 'conversation_handed_off' });
  return system.publishDirect({ id: 'E-1', conversationId });
}

/** Meanwhile workflow tasks are answered and no handler is. */
async function onlyWorkflows(system: ScenarioSystem, meanwhile: () => Promise<void>): Promise<void> {
  const worker = await Worker.create({
    connection: system.connection,
    taskQueue: system.taskQueue,
    workflowBundle: { code: await readFile(workflowBundlePath, 'utf8') },
    shutdownForceTime: 1_000,
  });
  await worker.runUntil(meanwhile());
}

async function callsBecome({ store, organization }: ScenarioSystem, wanted: string): Promise<void> {
  await until(async () => {
    const calls = await store.db
      .selectFrom('calls')
      .select('state')
      .where('organization_id', '=', organization)
      .execute();
    return calls.length > 0 && calls.every(({ state }) => state === wanted);
  });
}
