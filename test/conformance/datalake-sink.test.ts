import { execFileSync } from 'node:child_process';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { z } from 'zod';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { Sink } from '../../src/contract/sink.ts';
import { deliveryPolicy } from '../../src/domain/delivery-policy.ts';
import type { ResolveName } from '../../src/sandbox/http-gateway/checked-lookup.ts';
import { eventually, useHandlers } from '../integration/spine-system.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import {
  startDatalakeReceiver,
  testCa,
  type DatalakeReceiver,
  type DatalakeReceiverOptions,
} from '../setup/datalake-receiver.ts';
import { toStandIns } from '../setup/http.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';

const policy = { ...deliveryPolicy, eventTimeoutMs: 5_000, firstRestMs: 50, longestRestMs: 200 };
const token = 'Bearer a-token-of-the-datalake';

/** `datalake.test` is this machine. */
const resolve: ResolveName = (_name, callback) => {
  callback(null, [{ address: '127.0.0.1', family: 4 }]);
};

let system: TestSystem;
let api: TestApi;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  system = await startSystem({ deliveryPolicy: policy, http: { ...toStandIns, resolve } });
  api = await startApi(system);
});
afterAll(async () => {
  await api.stop();
  await system.stop();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function receiver(options?: DatalakeReceiverOptions): Promise<DatalakeReceiver> {
  const started = await startDatalakeReceiver(options);
  closing.push(() => {
    started.close();
  });
  return started;
}

/** A sink in plain text, unless more says otherwise; deleted after the test. */
async function sinkTo({ port }: DatalakeReceiver, more: object = {}): Promise<Sink> {
  const plain = { kind: 'datalake', name: 'lake', address: `127.0.0.1:${String(port)}`, tls: false };
  const { status, body } = await api.request('POST', '/sinks', { ...plain, ...more });
  expect({ status, body }).toMatchObject({ status: 201 });
  const sink = Sink.parse(body);
  closing.push(() => api.request('DELETE', `/sinks/${sink.id}`));
  return sink;
}

async function publish(code: string): Promise<string> {
  await useHandlers(system, { one: `def handle_event(context):\n${code.replace(/^/gmu, '    ')}` });
  return (await system.client.publish(closedEvent())).workflowId;
}

async function executionOf(workflowId: string): Promise<ExecutionDetail> {
  const execution = (await system.executionsOf(workflowId)).one;
  if (execution === undefined) throw new Error('it did not run');
  return execution;
}

async function deliveriesOf(workflowId: string) {
  const { analyticsEvents } = await executionOf(workflowId);
  return analyticsEvents.map(({ deliveries }) => deliveries.find(({ sink }) => sink === 'lake'));
}

const registering = (...events: readonly string[]) => events.map((event) => `register_event(${event})`).join('\n');
const oneEvent = registering('{"key": "a", "value_type": "string", "value": "v"}');

async function failsFirst(workflowId: string, error: string | RegExp): Promise<void> {
  await eventually(async () => {
    expect(await deliveriesOf(workflowId)).toMatchObject([{ state: 'pending', error: expect.stringMatching(error) }]);
  });
}

it('A 16, 17. values come back with their type, and dates in UTC', async () => {
  const lake = await receiver();
  await sinkTo(lake);
  const values: readonly (readonly [type: string, python: string, wireType: number, value: unknown])[] = [
    ['int', '42', 1, 42],
    ['string', '"42"', 2, '42'],
    ['Bool', 'True', 3, true],
    ['bool', 'False', 3, false],
    ['LIST', '["a", "it\'s \\"b\\"", 3, True, None]', 4, ['a', 'it\'s "b"', 3, true, null]],
    ['string', '""', 2, ''],
    ['float', '0.5', 2, '0.5'],
  ];
  const dates = ['2026-01-05T10:00:00.123456', '2026-01-05T10:00:00Z', '2026-01-05T10:00:00+02:00', '2026-01-05'];
  const events = [
    ...values.map(([type, python], n) => `{"key": "value-${n}", "value_type": "${type}", "value": ${python}}`),
    ...dates.map((date, n) => `{"key": "date-${n}", "value_type": "int", "value": 1, "date": "${date}"}`),
    '{"key": "full", "value_type": "int", "value": 0, "contact_urn": "tel:+1", "project": "p", "metadata": {"n": 1.5, "t": True, "deep": {"list": [None, "x"]}}}',
  ];
  const workflowId = await publish(registering(...events));
  await system.client.result(workflowId);
  const byKey = new Map(lake.taken.map((event) => [event.key, event]));
  expect(byKey.size).toBe(events.length);

  const arrived = values.map((_, n) => byKey.get(`value-${n}`));
  expect(arrived.map((event) => event?.valueType)).toEqual(values.map(([, , wireType]) => wireType));
  // The datalake's own client sends everything as text.
  expect(new Set(arrived.map((event) => event?.valueField))).toEqual(new Set([2]));
  const typed = arrived.map((event) => [event?.valueType, event?.value] as const);
  expect(readBack(typed)).toEqual(values.map(([, , , value]) => value));

  const moments = dates.map((_, n) => byKey.get(`date-${n}`));
  const at = (text: string, nanos = 0) => ({ seconds: Date.parse(text) / 1000, nanos });
  expect(moments).toMatchObject([
    at('2026-01-05T10:00:00Z', 123_456_000),
    at('2026-01-05T10:00:00Z'),
    at('2026-01-05T08:00:00Z'),
    at('2026-01-05T00:00:00Z'),
  ]);

  const { id, analyticsEvents } = await executionOf(workflowId);
  const full = analyticsEvents.find(({ event }) => event?.key === 'full');
  expect(byKey.get('full')).toMatchObject({
    eventName: 'weni_nexus_data',
    project: 'p',
    contactUrn: 'tel:+1',
    metadata: { n: 1.5, t: true, deep: { list: [null, 'x'] }, conversation_uuid: expect.any(String) },
    headers: { 'idempotency-key': full?.id },
  });
  expect(id).toBeTruthy();
});

/** As who reads the datalake does: by Python, and by the type. */
function readBack(values: readonly (readonly [type: number | undefined, text: string | undefined])[]): unknown {
  const program = `
import ast, json, sys
read = lambda type, text: text if type == 2 else ast.literal_eval(text)
print(json.dumps([read(type, text) for type, text in json.load(sys.stdin)]))`;
  const printed = execFileSync(inject('python') ?? 'python3', ['-I', '-c', program], { input: JSON.stringify(values) });
  return z.array(z.unknown()).parse(JSON.parse(printed.toString()));
}

it('A 12, 18. what is rejected never leaves; its siblings do', async () => {
  const lake = await receiver();
  await sinkTo(lake);
  const good = (key: string) => `{"key": "${key}", "value_type": "string", "value": "v"}`;
  const workflowId = await publish(
    registering(
      good('first'),
      '{"key": "extra", "value_type": "string", "value": "v", "more": 1}',
      '{"key": "named", "event_name": "other", "value_type": "string", "value": "v"}',
      good('last'),
    ),
  );
  await system.client.result(workflowId);
  expect(lake.requests.map(({ key }) => key).sort()).toEqual(['first', 'last']);
});

it('goes over TLS with the auth it was given, to the host whose certificate it trusts', async () => {
  const lake = await receiver({ tls: true, token });
  const address = `datalake.test:${String(lake.port)}`;
  const sink = await sinkTo(lake, { address, tls: true, metadata: { authorization: token } });
  expect(JSON.stringify(sink)).not.toContain(token);
  const workflowId = await publish(oneEvent);
  await failsFirst(workflowId, /certificate/u);
  expect(lake.requests).toEqual([]);
  const changed = await api.request('PATCH', `/sinks/${sink.id}`, { caCertificate: testCa });
  expect(changed).toMatchObject({ status: 200, body: { metadata: ['authorization'], restsUntil: null } });
  await system.client.result(workflowId);
  expect(await deliveriesOf(workflowId)).toMatchObject([{ state: 'delivered', error: expect.any(String) }]);
  expect(lake.taken).toMatchObject([{ key: 'a', headers: { authorization: token } }]);
});

it('takes no other host’s certificate, and is refused without the auth', async () => {
  const lake = await receiver({ tls: true, token });
  const named = (host: string) => ({ address: `${host}:${String(lake.port)}`, tls: true, caCertificate: testCa });
  const sink = await sinkTo(lake, { ...named('other.test'), metadata: { authorization: 'Bearer wrong' } });
  const workflowId = await publish(oneEvent);
  await failsFirst(workflowId, /altnames|does not match/u);
  await api.request('PATCH', `/sinks/${sink.id}`, named('127.0.0.1'));
  await failsFirst(workflowId, /UNAUTHENTICATED: no valid token/u);
  await api.request('PATCH', `/sinks/${sink.id}`, { metadata: { authorization: token } });
  await system.client.result(workflowId);
  expect(lake.taken).toHaveLength(1);
});

it('A 20. waits no longer than its deadline, and takes "error" for the failure that it is', async () => {
  const lake = await receiver();
  lake.behave('hangs');
  await sinkTo(lake, { deadlineMs: 200 });
  const workflowId = await publish(oneEvent);
  await failsFirst(workflowId, /DEADLINE_EXCEEDED/u);
  lake.behave('error');
  await failsFirst(workflowId, /the status "error"/u);
  lake.behave('takes');
  await system.client.result(workflowId);
  expect(await deliveriesOf(workflowId)).toMatchObject([{ state: 'delivered' }]);
  const keys = lake.requests.map(({ headers }) => headers['idempotency-key']);
  expect(keys.length).toBeGreaterThan(2);
  expect(new Set(keys).size).toBe(1);
});

it('A 20. that is down gets all of its events when it is back, each once', async () => {
  const down = await receiver();
  down.close();
  await sinkTo(down);
  const keys = Array.from({ length: 30 }, (_, n) => `k${String(n)}`);
  const events = keys.map((key) => `{"key": "${key}", "value_type": "string", "value": "v"}`);
  const workflowId = await publish(registering(...events));
  await eventually(async () => {
    const states = await deliveriesOf(workflowId);
    expect(states.some((delivery) => delivery?.error?.includes('UNAVAILABLE'))).toBe(true);
  });
  const back = await receiver({ port: down.port });
  await system.client.result(workflowId);
  expect(back.taken.map(({ key }) => key).sort()).toEqual([...keys].sort());
  expect(back.requests).toHaveLength(keys.length);
});

it('that refuses an event gives it to the dead letters at once', async () => {
  const lake = await receiver();
  lake.behave('invalid');
  await sinkTo(lake);
  const workflowId = await publish(oneEvent);
  await system.client.result(workflowId);
  expect(await deliveriesOf(workflowId)).toMatchObject([
    { state: 'dead', tries: 1, error: 'The datalake answered INVALID_ARGUMENT: never' },
  ]);
});
