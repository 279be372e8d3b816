import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckpointName } from '../../src/activities/checkpoint.ts';
import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import { closedEvent, organization, startSystem, type EventInput, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { SpawnedWorker, type SpawnOptions } from './fixtures/kill-worker/spawned-worker.ts';

/**
 * As kill-matrix.test.ts: one event for each point, one kill for all; here of handlers that ask outside. One appends a row:
 * all write to the same sheet, which is empty at first, but for those whose request is under way when their worker dies:
 * it is carried out, or it is not, and nobody hears of it. The other sends two requests.
 */
interface RowKill {
  readonly name: string;
  readonly sheet: string;
  readonly point: CheckpointName | null;
}

const rowPoints = [
  'intent:before',
  'intent:after',
  'helper:before',
  'helper:unrecorded',
  'helper:recorded',
  'answer:read',
] as const;
const rowKills: readonly RowKill[] = [
  ...rowPoints.map((point) => ({ name: point, sheet: 'log', point })),
  { name: 'the request under way and carried out', sheet: 'carried-out', point: null },
  { name: 'the request under way and not carried out', sheet: 'not-carried-out', point: null },
];
const appendsRow = `
def handle_event(context):
    conversation = context["conversation"]
    return add_google_sheets_row(conversation["businessSlug"], {"Subject": conversation["subject"], "N": 1})
`;

const requestPoints = ['intent:before', 'intent:after', 'request:unrecorded', 'request:recorded'] as const;
const requestKills = requestPoints.flatMap((point) =>
  ['one', 'two'].map((path) => ({ point, path, name: `${point} of ${path}` })),
);
type RequestKill = (typeof requestKills)[number];
const sendsTwo = (url: string) => `
import requests

def handle_event(context):
    subject = context["conversation"]["subject"]
    return [requests.post("${url}/" + path, data=subject).text for path in ("one", "two")]
`;

const workflowOf = ({ name }: { readonly name: string }) => workflowIdOf(organization, 'default', name);

let system: TestSystem;
let standIn: GoogleStandIn;
let upstream: Upstream;
const workers: SpawnedWorker[] = [];

beforeAll(async () => {
  standIn = await startGoogleStandIn();
  for (const { sheet } of rowKills) standIn.create(sheet);
  standIn.fail({ on: '/carried-out:batchUpdate', when: 'after', then: 'hang' });
  standIn.fail({ on: '/not-carried-out:batchUpdate', when: 'before', then: 'hang' });
  upstream = await startUpstream(({ body }, response) => response.end(`got ${body.toString()}`));
  system = await startSystem({ withoutWorkers: true });
  await system.push('row', appendsRow);
  await system.push('two-requests', sendsTwo(upstream.url), { eventType: 'conversation_handed_off' });
  for (const kill of rowKills) await publish('conversation_closed', kill.name, kill.sheet);
  for (const kill of requestKills) await publish('conversation_handed_off', kill.name);

  const rowStops = rowKills.flatMap((kill) =>
    kill.point === null ? [] : [{ workflowId: workflowOf(kill), point: kill.point, call: 'add_google_sheets_row/1' }],
  );
  const requestStops = requestKills.map((kill) => ({
    workflowId: workflowOf(kill),
    point: kill.point,
    call: `POST ${upstream.url}/${kill.path}/1`,
  }));
  const stops = [...rowStops, ...requestStops];
  const first = await spawn({ stops, handlerSlots: rowKills.length + requestKills.length });
  const underWay = () => standIn.received.filter(({ url }) => url.pathname.endsWith('carried-out:batchUpdate'));
  await vi.waitFor(
    () => {
      expect([...first.frozen].sort()).toEqual(stops.map(({ workflowId }) => workflowId).sort());
      expect(underWay()).toHaveLength(2);
    },
    { timeout: 45_000, interval: 100 },
  );
  await first.kill();
  await spawn({});
}, 150_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await system.stop();
  await Promise.all([standIn.close(), upstream.close()]);
});

async function publish(type: EventInput['type'], name: string, sheet?: string): Promise<void> {
  const event = closedEvent({ id: name, type });
  if ('conversation' in event) {
    event.conversation.subject = name;
    if (sheet !== undefined) event.conversation.businessSlug = sheet;
  }
  await system.client.publish(event);
}

async function spawn(options: SpawnOptions): Promise<SpawnedWorker> {
  const google = { credentials: standIn.credentials, rootUrl: standIn.url };
  const worker = await SpawnedWorker.start(system, { ...options, google });
  workers.push(worker);
  return worker;
}

describe('a worker killed at every point around a row for Google Sheets', () => {
  it.each(rowKills.map((kill): [string, RowKill] => [kill.name, kill]))(
    '%s: one row, and the handler hears of it',
    async (_name, kill) => {
      expect(await system.client.result(workflowOf(kill))).toMatchObject({ status: 'succeeded' });
      const execution = (await system.executionsOf(workflowOf(kill))).row;
      expect(execution?.calls).toMatchObject([{ n: 1, try: 1, state: 'succeeded', unreached: false }]);
      const rows = standIn.rows(kill.sheet);
      expect(rows.filter(([subject]) => subject === kill.name)).toHaveLength(1);
      const at = rows.findIndex(([subject]) => subject === kill.name) + 1;
      expect(execution?.result).toEqual({ success: true, updatedRange: `Sheet1!A${String(at)}:B${String(at)}` });
    },
    90_000,
  );

  it('leaves one header, and the mark of the one row that was recorded and not tidied up', async () => {
    await Promise.all(rowKills.map((kill) => system.client.result(workflowOf(kill))));
    const [header, ...rows] = standIn.rows('log');
    expect(header).toEqual(['Subject', 'N']);
    expect(rows).toHaveLength(rowPoints.length);
    const rowMarks = standIn.find('log').metadata.filter(({ metadataKey }) => metadataKey === 'afterword.row');
    const execution = (await system.executionsOf(workflowIdOf(organization, 'default', 'helper:recorded'))).row;
    expect(rowMarks).toMatchObject([{ metadataValue: expect.stringContaining(execution?.id ?? 'none') }]);
    for (const sheet of ['carried-out', 'not-carried-out']) {
      expect(standIn.find(sheet).metadata).toMatchObject([{ metadataKey: 'afterword.header' }]);
    }
  }, 90_000);
});

describe('a worker killed at every point of a handler with two requests', () => {
  it.each(requestKills.map((kill): [string, RequestKill] => [kill.name, kill]))(
    '%s: sent once; twice under one key only where nobody can know whether it arrived',
    async (_name, kill) => {
      const result = await system.client.result(workflowOf(kill));
      expect(result).toMatchObject({ status: 'succeeded' });
      const execution = (await system.executionsOf(workflowOf(kill)))['two-requests'];
      expect(execution).toMatchObject({ result: [`got ${kill.name}`, `got ${kill.name}`] });
      expect(execution?.attemptLog.map(({ outcome }) => outcome)).toEqual(['lost', 'succeeded']);
      expect(execution?.calls).toMatchObject([
        { n: 1, try: 1, state: 'succeeded', unreached: false },
        { n: 1, try: 1, state: 'succeeded', unreached: false },
      ]);
      const received = upstream.received.filter(({ body }) => body.toString() === kill.name);
      const twice = kill.point === 'request:unrecorded' ? [`/${kill.path}`] : [];
      expect(received.map(({ path }) => path).sort()).toEqual(['/one', '/two', ...twice].sort());
      expect(new Set(received.map(({ path, headers }) => `${path} ${String(headers['idempotency-key'])}`)).size).toBe(
        2,
      );
    },
    60_000,
  );
});
