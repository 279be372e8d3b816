import { setHandlerEnabled } from '../../src/store/handlers.ts';
import type { ScenarioSystem } from './recording-system.ts';
import { cancelExecution, currentState } from '../../src/workflows/signals-and-updates.ts';
import { begin, executionsBecome, publish, pushTwelve, settled, until, type Scenario } from './scenario-steps.ts';

const succeeds = 'def handle_event(context):\n    return 1\n';
const hangs = 'import time\ndef handle_event(context):\n    time.sleep(600)\n';
const unlessReopened = { delaySeconds: 600, cancelOn: ['conversation_reopened' as const] };

/** Handlers that wait, later events that cancel them, and cancelling one of many. */
export const laterScenarios: readonly Scenario[] = [
  {
    name: 'delayed',
    async record(system) {
      await system.push('delayed', succeeds, { delaySeconds: 1 });
      await system.push('now', succeeds);
      return settled(system, 'delayed', await begin(system));
    },
  },
  {
    name: 'delayed-cancelled-by-event',
    async record(system) {
      await system.push('delayed', succeeds, { ...unlessReopened, delaySeconds: 1 });
      await system.startWorkers();
      const closed = await system.accept();
      await system.start(closed);
      await waits(system, closed.workflowId);
      await reopen(system, closed.conversationId);
      return settled(system, 'delayed-cancelled-by-event', closed.workflowId);
    },
  },
  {
    name: 'delayed-cancelled-before',
    async record(system) {
      await system.push('delayed', succeeds, unlessReopened);
      await system.startWorkers();
      const closed = await system.accept();
      await reopen(system, closed.conversationId);
      return settled(system, 'delayed-cancelled-before', await system.start(closed));
    },
  },
  {
    name: 'delayed-cancelled-by-signal',
    histories: ['delayed-cancelled-by-signal', 'tells-waiting-workflows'],
    async record(system) {
      await system.push('delayed', succeeds, unlessReopened);
      await system.startWorkers();
      const closed = await system.accept();
      await system.start(closed);
      await waits(system, closed.workflowId);
      const { conversationId } = closed;
      const { workflowId } = await system.client.publish({ id: 'E-2', type: 'conversation_reopened', conversationId });
      return {
        ...(await settled(system, 'delayed-cancelled-by-signal', closed.workflowId)),
        ...(await settled(system, 'tells-waiting-workflows', workflowId)),
      };
    },
  },
  {
    name: 'delayed-switched-off',
    async record(system) {
      await system.push('delayed', succeeds, { delaySeconds: 2 });
      const workflowId = await begin(system);
      await setHandlerEnabled(system.store.db, system.organization, 'delayed', false);
      return settled(system, 'delayed-switched-off', workflowId);
    },
  },
  {
    name: 'delayed-event-cancelled',
    async record(system) {
      await system.push('delayed', succeeds, unlessReopened);
      const workflowId = await begin(system);
      await waits(system, workflowId);
      await system.client.cancel(workflowId);
      return settled(system, 'delayed-event-cancelled', workflowId);
    },
  },
  {
    name: 'queued-cancelled-by-event',
    async record(system) {
      await system.push('queued', succeeds, { cancelOn: ['conversation_reopened'] });
      const closed = await system.accept();
      await reopen(system, closed.conversationId);
      await system.startWorkers();
      return settled(system, 'queued-cancelled-by-event', await system.start(closed));
    },
  },
  {
    name: 'one-cancelled',
    async record(system) {
      await system.push('hangs', hangs);
      await system.push('succeeds', succeeds);
      const workflowId = await begin(system);
      await executionsBecome(system, ['running', 'succeeded']);
      await cancelOne(system, workflowId, 'hangs');
      return settled(system, 'one-cancelled', workflowId);
    },
  },
  {
    name: 'many-handlers-one-cancelled',
    histories: ['many-handlers-one-cancelled', 'many-handlers-one-cancelled-second-group'],
    async record(system) {
      await pushTwelve(system, succeeds);
      await system.push('handler-12', hangs);
      const workflowId = await begin(system);
      await executionsBecome(system, ['running', ...Array.from({ length: 11 }, () => 'succeeded')]);
      await cancelOne(system, workflowId, 'handler-12');
      return {
        ...(await settled(system, 'many-handlers-one-cancelled', workflowId)),
        'many-handlers-one-cancelled-second-group': `${workflowId}/handlers-2`,
      };
    },
  },
  {
    name: 'many-handlers-cancelled-before',
    histories: ['many-handlers-cancelled-before', 'many-handlers-cancelled-before-second-group'],
    async record(system) {
      await pushTwelve(system, succeeds);
      const workflowId = await publish(system);
      for (const name of ['handler-01', 'handler-12']) await cancelOne(system, workflowId, name);
      await system.startWorkers();
      return {
        ...(await settled(system, 'many-handlers-cancelled-before', workflowId)),
        'many-handlers-cancelled-before-second-group': `${workflowId}/handlers-2`,
      };
    },
  },
  {
    name: 'many-handlers-cancelled',
    histories: ['many-handlers-cancelled', 'many-handlers-cancelled-second-group'],
    async record(system) {
      await pushTwelve(system, hangs);
      const workflowId = await begin(system);
      await executionsBecome(
        system,
        Array.from({ length: 12 }, () => 'running'),
      );
      await system.client.cancel(workflowId);
      return {
        ...(await settled(system, 'many-handlers-cancelled', workflowId)),
        'many-handlers-cancelled-second-group': `${workflowId}/handlers-2`,
      };
    },
  },
  {
    name: 'group-terminated',
    async record(system) {
      await pushTwelve(system, succeeds);
      await system.push('handler-12', hangs);
      const workflowId = await begin(system);
      await executionsBecome(system, ['running', ...Array.from({ length: 11 }, () => 'succeeded')]);
      await system.temporal.client.workflow.getHandle(`${workflowId}/handlers-2`).terminate();
      return settled(system, 'group-terminated', workflowId);
    },
  },
];

async function reopen(system: ScenarioSystem, conversationId: string): Promise<void> {
  const conversation = {
    id: conversationId,
    publicId: conversationId.slice(0, 8).toUpperCase(),
    subject: 'A recorded conversation',
    businessSlug: 'example-shop',
    messages: [],
  };
  await system.accept({ type: 'conversation_reopened', conversation });
}

/** Its timer is there. */
async function waits({ temporal }: ScenarioSystem, workflowId: string): Promise<void> {
  const workflow = temporal.client.workflow.getHandle(workflowId);
  await until(async () => {
    const { executions } = await workflow.query(currentState);
    const { events } = await workflow.fetchHistory();
    const hasTimer = events?.some((event) => event.timerStartedEventAttributes) ?? false;
    return hasTimer && executions.some(({ status }) => status === 'waiting');
  });
}

async function cancelOne(system: ScenarioSystem, workflowId: string, handler: string): Promise<void> {
  const { id } = await system.store.db
    .selectFrom('executions')
    .innerJoin('handlers', 'handlers.id', 'executions.handler_id')
    .select('executions.id')
    .where('executions.organization_id', '=', system.organization)
    .where('handlers.name', '=', handler)
    .executeTakeFirstOrThrow();
  await system.temporal.client.workflow.getHandle(workflowId).signal(cancelExecution, id);
}
