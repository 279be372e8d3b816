import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';

/** As kill-matrix.test.ts: one event for each point, one kill for all; here of a handler that sends two requests. */
const points = ['intent:before', 'intent:after', 'request:unrecorded', 'request:recorded'] as const;
const kills = points.flatMap((point) => ['one', 'two'].map((path) => ({ point, path, name: `${point} of ${path}` })));
type Kill = (typeof kills)[number];

const workflowOf = (kill: Kill) => workflowIdOf(organization, 'default', kill.name);

let system: TestSystem;
let upstream: Upstream;
const workers: SpawnedWorker[] = [];

beforeAll(async () => {
  upstream = await startUpstream(({ body }, response) => response.end(`got ${body.toString()}`));
  system = await startSystem({ withoutWorkers: true });
  const code = `
import requests

def handle_event(context):
    subject = context["conversation"]["subject"]
    return [requests.post("${upstream.url}/" + path, data=subject).text for path in ("one", "two")]
`;
  await system.push('two-requests', code);
  for (const kill of kills) {
    const event = closedEvent({ id: kill.name });
    if ('conversation' in event) event.conversation.subject = kill.name;
    await system.client.publish(event);
  }
  const stops = kills.map((kill) => ({
    workflowId: workflowOf(kill),
    point: kill.point,
    call: `POST ${upstream.url}/${kill.path}/1`,
  }));
  const first = await start(stops);
  await vi.waitFor(
    () => {
      expect([...first.frozen].sort()).toEqual(kills.map(workflowOf).sort());
    },
    { timeout: 45_000, interval: 100 },
  );
  await first.kill();
  await start([]);
}, 150_000);
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await system.stop();
  await upstream.close();
});

async function start(stops: NonNullable<Parameters<typeof SpawnedWorker.start>[1]>['stops']): Promise<SpawnedWorker> {
  const worker = await SpawnedWorker.start(system, { stops: stops ?? [] });
  workers.push(worker);
  return worker;
}

describe('a worker killed at every point of a handler with two requests', () => {
  it.each(kills.map((kill): [string, Kill] => [kill.name, kill]))(
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
