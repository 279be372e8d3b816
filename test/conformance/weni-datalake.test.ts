import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { DatalakeChannels } from '../../src/analytics/sinks/datalake-channels.ts';
import { createDatalakeSink } from '../../src/analytics/sinks/datalake-sink.ts';
import { wireTypeOf } from '../../src/analytics/value-type.ts';
import { listen, type Listening } from '../../src/api/listen.ts';
import { toMoment } from '../../src/domain/event-date.ts';
import { createApiUnderTest, type ApiUnderTest } from '../integration/api-under-test.ts';
import { startAwsStandIn, type AwsStandIn } from '../setup/aws-stand-in.ts';
import { startDatalakeReceiver, type DatalakeReceiver } from '../setup/datalake-receiver.ts';
import { pythonWith } from '../setup/python-client.ts';
import { aPayload, registerEvents } from '../setup/registered-events.ts';

let api: ApiUnderTest;
let server: Listening;
let aws: AwsStandIn;
let lake: DatalakeReceiver;
beforeAll(async () => {
  api = await createApiUnderTest();
  server = await listen(api.app, { host: '127.0.0.1', port: 0 });
  aws = await startAwsStandIn({ token: api.key });
  lake = await startDatalakeReceiver();
}, 120_000);
afterAll(async () => {
  lake.close();
  aws.close();
  await server.stop(1_000);
  await api.close();
});

const Outcomes = z.array(z.object({ answer: z.unknown().optional(), error: z.string().optional() }));
const program = fileURLToPath(new URL('fixtures/datalake_calls.py', import.meta.url));

/** Each call of the real client, as it is: only its environment names this server. */
async function byClient(...calls: readonly (readonly [name: string, args: object])[]) {
  const child = spawn(pythonWith('weni-datalake-sdk'), ['-I', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      AWS_ENDPOINT_URL: aws.url,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'a-key-id',
      AWS_SECRET_ACCESS_KEY: 'of-tests',
      REDSHIFT_SECRET: 'secret',
      REDSHIFT_ROLE_ARN: 'arn:aws:iam::000000000000:role/tests',
      REDSHIFT_QUERY_BASE_URL: `${server.url}/api/v1/datalake`,
      EVENTS_METRIC_NAME: 'events',
      EVENTS_COUNT_METRIC_NAME: 'events_count',
      EVENTS_COUNT_BY_GROUP_METRIC_NAME: 'events_count_by_group',
      DATALAKE_SERVER_ADDRESS: `127.0.0.1:${String(lake.port)}`,
    },
  });
  child.stdin.end(JSON.stringify(calls));
  return Outcomes.parse(JSON.parse(await text(child.stdout)));
}

it('A 22. the datalake’s own client asks this server unchanged', async () => {
  await registerEvents(api.store.db, 'parcels', [
    aPayload({ date: '2026-01-01', metadata: { human_support: true, topic: 'billing' } }),
    aPayload({ date: '2026-01-02', value: 'unresolved', metadata: { human_support: false, topic: 'billing' } }),
    aPayload({ date: '2026-01-03', key: 'weni_csat', value_type: 'int', value: 5, project: 'other' }),
  ]);
  await registerEvents(api.store.db, 'rival', [aPayload({ date: '2026-01-02' })]);
  const range = { project: 'parcels', date_start: '2026-01-01T00:00:00', date_end: '2026-01-31 23:59:59+00:00' };
  const outcomes = await byClient(
    ['get_events', { ...range, key: 'conversation_classification', limit: 1, offset: 0 }],
    ['get_events', { ...range, value: 'nothing' }],
    ['get_events_count', { ...range, metadata_key: 'human_support', metadata_value: 'true' }],
    ['get_events_count_by_group', { ...range, metadata_key: 'topic' }],
    ['get_events_count_by_group', { ...range, metadata_key: 'topic', group_by: 'topic' }],
    ['get_events', { ...range, date_start: 'soon' }],
  );
  const event = {
    ...aPayload({ value: 'unresolved', date: '2026-01-02T00:00:00.000000Z' }),
    metadata: '{"human_support":false,"topic":"billing"}',
  };
  expect(outcomes).toEqual([
    { answer: [event] },
    { answer: [] },
    { answer: [{ count: 1 }] },
    {
      answer: [
        { payload_value: 'resolved', count: 1 },
        { payload_value: 'unresolved', count: 1 },
      ],
    },
    { answer: [{ group_value: 'billing', count: 2 }] },
    { error: expect.stringContaining('400') },
  ]);
});

it('A 16, 17. a datalake hears the same of us as of its own client', async () => {
  const events = [
    aPayload({ value_type: 'int', value: 42, date: '2026-01-05T10:00:00.123456+02:00' }),
    aPayload({
      value_type: 'Bool',
      value: true,
      date: '2026-01-05',
      metadata: { n: 1.5, deep: { list: [null, 'x', false] } },
    }),
    aPayload({ value_type: 'list', value: ['a', "it's", 1, true, null, '"both" \''], date: '2026-01-05T10:00:00' }),
    aPayload({ value_type: 'float', value: 1e-7, contact_urn: 'tel:+1é' }),
    aPayload({ value_type: 'string', value: '' }),
  ];
  const outcomes = await byClient(...events.map((event) => ['send_event_data', event] as const));
  expect(outcomes).toEqual(events.map(() => ({ answer: 'success' })));
  const theirs = lake.taken.map(({ headers: _, ...event }) => event);

  const channels = new DatalakeChannels((address) => Promise.resolve({ address, family: 4 }));
  const where = { host: '127.0.0.1', port: lake.port, tls: false };
  const sink = createDatalakeSink({ name: 'lake', ...where, deadlineMs: 5_000, metadata: {} }, channels);
  for (const payload of events) {
    const moment = toMoment(payload.date) ?? '';
    const wireType = wireTypeOf(payload.value_type);
    const event = { id: 'e', organizationId: 'parcels', executionId: 'x', payload, moment, wireType };
    await sink.deliver(event, AbortSignal.timeout(10_000), () => Promise.reject(new Error('it speaks gRPC')));
  }
  channels.close();
  const ours = lake.taken.slice(events.length).map(({ headers: _, ...event }) => event);
  expect(ours).toEqual(theirs);
});
