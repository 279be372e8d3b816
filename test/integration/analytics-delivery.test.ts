import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAnalyticsDelivery, type DeliverAnalyticsDeps } from '../../src/activities/deliver-analytics.ts';
import { storeSink } from '../../src/analytics/sinks/store-sink.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { deliveryPolicy } from '../../src/domain/delivery-policy.ts';
import { ensureRedelivery } from '../../src/temporal/redelivery-schedule.ts';
import type { redeliverAnalytics } from '../../src/workflows/redeliver-analytics.ts';
import { createHttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { startHttpSink, type HttpSink } from '../setup/http-sink.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';
import { eventually, useHandlers } from './spine-system.ts';

/** The redelivery may take over at once, so that no test waits for five minutes. */
const policy = { ...deliveryPolicy, eventTimeoutMs: 500, firstTriesMs: 0, redeliveryEveryMs: 0 };

let system: TestSystem;
let sink: HttpSink;
beforeAll(async () => {
  sink = await startHttpSink('http');
  system = await startSystem({ sinks: [storeSink, sink], deliveryPolicy: policy });
});
afterAll(async () => {
  await system.stop();
  await sink.close();
});
afterEach(() => {
  sink.behave('takes');
});

const registering = (...keys: string[]) => `
def handle_event(context):
    for key in ${JSON.stringify(keys)}:
        register_event({"key": key, "value_type": "string", "value": "v"})
    return "done"`;

/** Publishes an event for these handlers; does not wait for it. */
async function publish(handlers: Record<string, string>): Promise<string> {
  await useHandlers(system, handlers);
  return (await system.client.publish(closedEvent())).workflowId;
}

async function executionOf(workflowId: string, name = 'one'): Promise<ExecutionDetail> {
  const execution = (await system.executionsOf(workflowId))[name];
  if (execution === undefined) throw new Error(`${name} did not run`);
  return execution;
}

/** How each event stands with the sink over HTTP. */
async function httpStates(workflowId: string) {
  const { analyticsEvents } = await executionOf(workflowId);
  return analyticsEvents.map(({ deliveries }) => deliveries.find((delivery) => delivery.sink === 'http'));
}

/** What the sink holds of this execution, by key. */
async function arrivedOf(workflowId: string): Promise<(string | undefined)[]> {
  const { analyticsEvents } = await executionOf(workflowId);
  return analyticsEvents.map(({ id }) => sink.arrived.get(id)).filter((key) => key !== undefined);
}

/** Ends the first tries, which would go on for five minutes. */
async function giveUp(workflowId: string): Promise<void> {
  const { client, namespace } = system.temporal;
  await eventually(() =>
    client.workflowService.updateActivityOptions({
      namespace,
      execution: { workflowId },
      type: 'deliverAnalytics',
      activityOptions: { scheduleToCloseTimeout: { nanos: 1_000_000 } },
      updateMask: { paths: ['schedule_to_close_timeout'] },
    }),
  );
  await system.client.result(workflowId);
}

const redeliver = () =>
  system.temporal.client.workflow.execute<typeof redeliverAnalytics>('redeliverAnalytics', {
    taskQueue: system.taskQueue,
    workflowId: `redelivery-${crypto.randomUUID()}`,
    args: [],
  });

describe('A 20. a sink that is down', () => {
  it('is tried again by the execution’s own workflow; the other sink has its events meanwhile', async () => {
    sink.behave('fails');
    const workflowId = await publish({ one: registering('a', 'b') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([
        { state: 'pending', error: 'the sink answered 503' },
        { state: 'pending', error: 'the sink answered 503' },
      ]);
    });
    const { status, analyticsEvents } = await executionOf(workflowId);
    expect(status).toBe('succeeded');
    expect(analyticsEvents).toMatchObject([
      { state: 'pending', deliveries: [{ sink: 'http' }, { sink: 'store', state: 'delivered' }] },
      { state: 'pending', deliveries: [{ sink: 'http' }, { sink: 'store', state: 'delivered' }] },
    ]);
    sink.behave('takes');
    expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
    expect(await arrivedOf(workflowId)).toEqual(['a', 'b']);
  });

  it('gets an event whose answer was lost again under the same id', async () => {
    sink.behave('lost');
    const workflowId = await publish({ one: registering('a') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ state: 'pending', error: expect.any(String) }]);
    });
    const before = sink.arrived.size;
    sink.behave('takes');
    await system.client.result(workflowId);
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }]);
    expect(sink.arrived.size).toBe(before);
  });

  it('that hangs holds up neither its neighbour nor the other sink', async () => {
    sink.behave('hangs');
    const workflowId = await publish({ one: registering('a'), two: 'def handle_event(context): return 2' });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([
        { state: 'pending', error: expect.stringMatching(/time|abort/i) },
      ]);
    });
    expect(await executionOf(workflowId, 'two')).toMatchObject({ status: 'succeeded', analyticsEvents: [] });
    sink.behave('takes');
    await system.client.result(workflowId);
    expect(await arrivedOf(workflowId)).toEqual(['a']);
  });

  it('that refuses one event has refused it for good, and gets its siblings', async () => {
    sink.behave((key) => (key === 'bad' ? 'refuses' : 'takes'));
    const workflowId = await publish({ one: registering('a', 'bad', 'b') });
    await system.client.result(workflowId);
    expect(await httpStates(workflowId)).toMatchObject([
      { state: 'delivered' },
      { state: 'dead', error: 'the sink refuses it', tries: 1 },
      { state: 'delivered' },
    ]);
    expect((await executionOf(workflowId)).analyticsEvents.map(({ state }) => state)).toEqual([
      'delivered',
      'dead',
      'delivered',
    ]);
  });

  it('gets what the workflow gave up from the redelivery, once', async () => {
    sink.behave('fails');
    const workflowId = await publish({ one: registering('a', 'b') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ tries: 1 }, { tries: 1 }]);
    });
    await giveUp(workflowId);
    expect(await executionOf(workflowId)).toMatchObject({ status: 'succeeded' });
    await redeliver();
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'pending' }, { state: 'pending' }]);
    sink.behave('takes');
    const before = sink.requests();
    await Promise.all([redeliver(), redeliver(), redeliver()]);
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
    expect(await arrivedOf(workflowId)).toEqual(['a', 'b']);
    expect(sink.requests() - before).toBe(2);
  });

  it('is given up when a day has passed: a dead letter, which stays to be read', async () => {
    sink.behave('fails');
    const workflowId = await publish({ one: registering('a') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ state: 'pending', tries: 1 }]);
    });
    await giveUp(workflowId);
    const yesterday = new Date(Date.now() - deliveryPolicy.deadAfterMs);
    const { id } = await executionOf(workflowId);
    await system.store.db
      .updateTable('analytics_deliveries')
      .set({ created_at: yesterday })
      .where('execution_id', '=', id)
      .execute();
    await redeliver();
    expect((await executionOf(workflowId)).analyticsEvents).toMatchObject([
      { state: 'dead', event: { key: 'a' }, deliveries: [{ sink: 'http', state: 'dead' }, { state: 'delivered' }] },
    ]);
    sink.behave('takes');
    await redeliver();
    expect(await arrivedOf(workflowId)).toEqual([]);
  });

  it('is not asked for each of many events: after ten failures in a row the others wait', async () => {
    sink.behave('fails');
    const before = sink.requests();
    const workflowId = await publish({ one: registering(...Array.from({ length: 200 }, (_, n) => String(n))) });
    await eventually(async () => {
      const states = await httpStates(workflowId);
      expect(states.filter((delivery) => delivery?.error === 'the sink answered 503').length).toBeGreaterThan(9);
    });
    const tries = Math.max(...(await httpStates(workflowId)).map((delivery) => delivery?.tries ?? 0));
    expect(sink.requests() - before).toBeLessThan(25 * (tries + 1));
    sink.behave('takes');
    await system.client.result(workflowId);
    expect(await arrivedOf(workflowId)).toHaveLength(200);
  });
});

describe('a worker that dies', () => {
  const gateway = gatewayToStandIns();
  afterAll(() => gateway.close());
  const deps = () => ({ store: system.store, sinks: [storeSink, sink], policy, gateway });
  const deliver = (of: DeliverAnalyticsDeps) => createAnalyticsDelivery(of).deliverAnalytics;
  const redeliverNow = (of: DeliverAnalyticsDeps) => createAnalyticsDelivery(of).redeliverAnalytics;
  const failing = { ...storeSink, name: 'http', deliver: () => new Promise<void>(() => undefined) };

  /** An execution whose events nobody has delivered: its worker was gone before. */
  async function undelivered(): Promise<{ workflowId: string; executionId: string }> {
    sink.behave('fails');
    const workflowId = await publish({ one: registering('a', 'b') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ tries: 1 }, { tries: 1 }]);
    });
    await giveUp(workflowId);
    sink.behave('takes');
    const { id } = await executionOf(workflowId);
    return { workflowId, executionId: id };
  }

  /** Whether each delivery over HTTP that is claimed is free again. */
  async function claimsOf(executionId: string) {
    const rows = await system.store.db
      .selectFrom('analytics_deliveries')
      .select('claimed_until')
      .where('execution_id', '=', executionId)
      .where('sink', '=', 'http')
      .execute();
    return rows.map(({ claimed_until: until }) => until !== null && until.getTime() < Date.now());
  }

  it('with events in its hands leaves them to another, when its claim has run out', async () => {
    const { workflowId, executionId } = await undelivered();
    const input = { organizationId: 'example', executionId };
    const short = { ...policy, claimMs: 1_000, eventTimeoutMs: 60_000 };
    const dying = new MockActivityEnvironment();
    const died = dying.run(deliver({ ...deps(), sinks: [failing], policy: short }), input);
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ tries: 2 }, { tries: 2 }]);
    });
    const early = new MockActivityEnvironment().run(deliver(deps()), input);
    await expect(early).rejects.toMatchObject({ type: 'analytics_undelivered' });
    expect(await arrivedOf(workflowId)).toEqual([]);
    await eventually(async () => {
      expect(await claimsOf(executionId)).toEqual([true, true]);
    });
    await new MockActivityEnvironment().run(deliver(deps()), input);
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
    expect(await arrivedOf(workflowId)).toEqual(['a', 'b']);
    dying.cancel();
    await died.catch(() => undefined);
    expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
  });

  it('before the workflow heard of the events leaves them to the redelivery', async () => {
    const { workflowId } = await undelivered();
    const env = new MockActivityEnvironment();
    await env.run(redeliverNow(deps()));
    expect(await arrivedOf(workflowId)).toEqual(['a', 'b']);
  });

  it('sends nothing to a private address that the operator has not opened', async () => {
    const { workflowId, executionId } = await undelivered();
    const before = sink.requests();
    const closed = createHttpGateway({ openNetworks: [], origins: new Map() });
    const input = { organizationId: 'example', executionId };
    const delivery = new MockActivityEnvironment().run(deliver({ ...deps(), gateway: closed }), input);
    await expect(delivery).rejects.toMatchObject({ type: 'analytics_undelivered' });
    await closed.close();
    expect(sink.requests()).toBe(before);
    const refused = { state: 'pending', error: expect.stringContaining('private or local address') };
    expect(await httpStates(workflowId)).toMatchObject([refused, refused]);
  });
});

describe('the schedule', () => {
  it('starts the redelivery by itself, however often it is asked for', async () => {
    const { client } = system.temporal;
    const schedule = client.schedule.getHandle(`analytics-redelivery/${system.taskQueue}`);
    sink.behave('fails');
    const workflowId = await publish({ one: registering('a') });
    await eventually(async () => {
      expect(await httpStates(workflowId)).toMatchObject([{ tries: 1 }]);
    });
    await giveUp(workflowId);
    sink.behave('takes');
    try {
      await Promise.all([
        ensureRedelivery(client, system.taskQueue, 1_000),
        ensureRedelivery(client, system.taskQueue, 1_000),
      ]);
      await ensureRedelivery(client, system.taskQueue, 1_000);
      await eventually(async () => {
        expect(await httpStates(workflowId)).toMatchObject([{ state: 'delivered' }]);
      });
      expect((await schedule.describe()).policies.overlap).toBe('SKIP');
    } finally {
      await schedule.delete();
    }
    expect(await arrivedOf(workflowId)).toEqual(['a']);
  });
});
