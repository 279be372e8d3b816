import { afterAll, beforeAll, expect, it } from 'vitest';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';
import { fetchHistory, handler, startWorkersFor, useHandlers, type RunningWorkers } from './spine-system.ts';
import { watchUpdates, type WatchedUpdates } from './watched-updates.ts';

// The server of these tests enforces what production does: 10 updates in flight in one workflow, 2,000 in all.
const handlersAtOnce = 10;
const callsEach = 5;

/** Holds every helper until as many are in flight as there are handlers, in each round of calls. */
class Rounds {
  mostInFlight = 0;
  #waiting: (() => void)[] = [];

  async join(): Promise<void> {
    const released = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.mostInFlight = Math.max(this.mostInFlight, this.#waiting.length);
    if (this.#waiting.length === handlersAtOnce) {
      for (const release of this.#waiting.splice(0)) release();
    }
    await released;
  }
}

const rounds = new Rounds();
let system: TestSystem;
let workers: RunningWorkers;
let updates: WatchedUpdates;
beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
  updates = watchUpdates(system);
  workers = await startWorkersFor(system, {
    temporal: updates.temporal,
    checkpoint: (name) => (name === 'helper:before' ? rounds.join() : Promise.resolve()),
  });
});
afterAll(async () => {
  await workers.stop();
  await updates.temporal.close();
  await system.stop();
});

it('ten handlers that all call at the same moment stay within the server’s limits: no update is refused', async () => {
  const code = handler(`
for n in range(${String(callsEach)}):
    set_conversation_metadata(context, "k", str(n))
return "done"`);
  const names = Array.from({ length: handlersAtOnce }, (_, index) => `h${String(index)}`);
  await useHandlers(system, Object.fromEntries(names.map((name) => [name, code])));
  const { workflowId } = await system.client.publish(closedEvent());
  expect(await system.client.result(workflowId)).toMatchObject({ status: 'succeeded' });

  expect(updates.refused).toEqual([]);
  expect(rounds.mostInFlight).toBe(handlersAtOnce);
  expect(updates.sent).toBeGreaterThanOrEqual(handlersAtOnce * callsEach);
  const { events } = await fetchHistory(system, workflowId);
  const started = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: attributes }) => attributes ?? []);
  expect(started).toHaveLength(handlersAtOnce * (1 + callsEach));
  expect(started.filter(({ attempt }) => attempt !== 1)).toEqual([]);
});
