import { randomInt, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowIdOf } from '../../src/domain/event-key.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { expectFiveEffectsOnce } from './fixtures/kill-worker/effects.ts';
import { fiveCallsHandler, outputUntil } from './fixtures/kill-worker/five-calls.ts';
import { SpawnedWorker } from './fixtures/kill-worker/spawned-worker.ts';

const rounds = 3;
const eventsARound = 10;
/** About as long as a new worker takes for ten events with five calls each on two free cores. */
const longestLifeMs = 2_000;

describe('workers that die at moments nobody chose', () => {
  let system: TestSystem;
  const workers: SpawnedWorker[] = [];

  beforeAll(async () => {
    system = await startSystem({ withoutWorkers: true });
    await system.push('five-calls', fiveCallsHandler);
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill()));
    await system.stop();
  });

  async function spawn(options?: Parameters<typeof SpawnedWorker.start>[1]): Promise<SpawnedWorker> {
    const worker = await SpawnedWorker.start(system, options);
    workers.push(worker);
    return worker;
  }

  async function publish(): Promise<string> {
    const id = randomUUID();
    await system.client.publish(closedEvent({ id }));
    return workflowIdOf(organization, 'default', id);
  }

  it('have lost nothing and done nothing twice when the last one is through', { timeout: 180_000 }, async () => {
    const atOnce = await publish();
    const dying = { workflowId: atOnce, point: 'intent:after', call: 'add_conversation_event/1', then: 'die' } as const;
    await (await spawn({ stops: [dying] })).exited();

    const workflowIds: string[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      for (let event = 0; event < eventsARound; event += 1) workflowIds.push(await publish());
      const worker = await spawn();
      const lifeMs = randomInt(longestLifeMs);
      console.log(`round ${String(round)} of ${String(rounds)}: killed after ${String(lifeMs)} ms`);
      await new Promise((resolve) => setTimeout(resolve, lifeMs));
      await worker.kill();
    }

    await spawn();
    let lost = 0;
    for (const workflowId of [atOnce, ...workflowIds]) {
      await system.client.result(workflowId);
      const execution = await executionOf(workflowId);
      expect(execution.attemptLog.at(-1)?.outcome).toBe('succeeded');
      for (const attempt of execution.attemptLog.slice(0, -1)) {
        lost += 1;
        expect(attempt.outcome).toBe('lost');
        expect(execution.stdout.startsWith(attempt.stdout)).toBe(true);
      }
      await expectFiveEffectsOnce(system, execution);
    }
    console.log(`attempts that were lost: ${String(lost)}`);
    // Killed within a millisecond of the intent, long before output is written for its own sake.
    expect((await executionOf(atOnce)).attemptLog[0]?.stdout).toBe(outputUntil('before', 3));
  });

  async function executionOf(workflowId: string) {
    const [execution] = Object.values(await system.executionsOf(workflowId));
    if (execution === undefined) throw new Error('the event has no execution');
    return execution;
  }
});
