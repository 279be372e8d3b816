import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CheckpointName } from '../../src/activities/checkpoint.ts';
import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { SpawnedWorker, type SpawnOptions } from './fixtures/kill-worker/spawned-worker.ts';

/**
 * As kill-matrix.test.ts: one event for each point, one kill for all; here of a handler that appends a row. All write
 * to the same sheet, which is empty at first, but for those whose request is under way when their worker dies: it is
 * carried out, or it is not, and nobody hears of it.
 */
interface Kill {
  readonly name: string;
  readonly sheet: string;
  readonly point: CheckpointName | null;
}

const points = [
  'intent:before',
  'intent:after',
  'helper:before',
  'helper:unrecorded',
  'helper:recorded',
  'answer:read',
] as const;
const kills: readonly Kill[] = [
  ...points.map((point) => ({ name: point, sheet: 'log', point })),
  { name: 'the request under way and carried out', sheet: 'carried-out', point: null },
  { name: 'the request under way and not carried out', sheet: 'not-carried-out', point: null },
];

const workflowOf = ({ name }: Kill) => workflowIdOf(organization, 'default', name);
const code = `
def handle_event(context):
    conversation = context["conversation"]
    return add_google_sheets_row(conversation["businessSlug"], {"Subject": conversation["subject"], "N": 1})
`;

let system: TestSystem;
let standIn: GoogleStandIn;
const workers: SpawnedWorker[] = [];

beforeAll(async () => {
  standIn = await startGoogleStandIn();
  for (const { sheet } of kills) standIn.create(sheet);
  standIn.fail({ on: '/carried-out:batchUpdate', when: 'after', then: 'hang' });
  standIn.fail({ on: '/not-carried-out:batchUpdate', when: 'before', then: 'hang' });
  system = await startSystem({ withoutWorkers: true });
  await system.push('row', code);
  for (const kill of kills) {
    const event = closedEvent({ id: kill.name });
    if ('conversation' in event) {
      event.conversation.subject = kill.name;
      event.conversation.businessSlug = kill.sheet;
    }
    await system.client.publish(event);
  }
  const stopped = kills.filter(({ point }) => point !== null);
  const first = await spawn({
    stops: stopped.map((kill) => ({
      workflowId: workflowOf(kill),
      point: kill.point ?? '',
      call: 'add_google_sheets_row/1',
    })),
  });
  const underWay = () => standIn.received.filter(({ url }) => url.pathname.endsWith('carried-out:batchUpdate'));
  await vi.waitFor(
    () => {
      expect([...first.frozen].sort()).toEqual(stopped.map(workflowOf).sort());
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
  await standIn.close();
});

async function spawn(options: SpawnOptions): Promise<SpawnedWorker> {
  const google = { credentials: standIn.credentials, rootUrl: standIn.url };
  const worker = await SpawnedWorker.start(system, { ...options, google });
  workers.push(worker);
  return worker;
}

describe('a worker killed at every point around a row for Google Sheets', () => {
  it.each(kills.map((kill): [string, Kill] => [kill.name, kill]))(
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
    await Promise.all(kills.map((kill) => system.client.result(workflowOf(kill))));
    const [header, ...rows] = standIn.rows('log');
    expect(header).toEqual(['Subject', 'N']);
    expect(rows).toHaveLength(points.length);
    const rowMarks = standIn.find('log').metadata.filter(({ metadataKey }) => metadataKey === 'afterword.row');
    const execution = (await system.executionsOf(workflowIdOf(organization, 'default', 'helper:recorded'))).row;
    expect(rowMarks).toMatchObject([{ metadataValue: expect.stringContaining(execution?.id ?? 'none') }]);
    for (const sheet of ['carried-out', 'not-carried-out']) {
      expect(standIn.find(sheet).metadata).toMatchObject([{ metadataKey: 'afterword.header' }]);
    }
  }, 90_000);
});
