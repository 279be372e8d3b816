import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Program } from '../setup/program.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';
import { eventually, handler, useHandlers } from './spine-system.ts';

const publishEveryMs = 250;

let system: TestSystem;
const programs: Program[] = [];
/** A worker that a test has left at work for the next one. */
let left: Program | undefined;

function startWorker(more: Record<string, string> = {}): Program {
  const worker = new Program('worker', {
    DATABASE_URL: system.databaseUrl,
    TEMPORAL_ADDRESS: inject('temporal').address,
    AFTERWORD_TASK_QUEUE: system.taskQueue,
    ...more,
  });
  programs.push(worker);
  return worker;
}

function takeLeft(): Program | undefined {
  const taken = left;
  left = undefined;
  return taken;
}

const started = (worker: Program) =>
  eventually(() => {
    expect(worker.said('worker started')).toBe(true);
  });

const running = (workflowId: string) =>
  eventually(async () => {
    expect(Object.values(await system.executionsOf(workflowId))).toMatchObject([{ status: 'running' }]);
  });

/** Publishes until it is told to stop; the workflow ids of what it published. */
function publishSteadily(): { stop(): Promise<string[]> } {
  const workflowIds: string[] = [];
  const stopping = new AbortController();
  const publishing = (async () => {
    while (!stopping.signal.aborted) {
      workflowIds.push((await system.client.publish(closedEvent())).workflowId);
      await sleep(publishEveryMs);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await publishing;
      return workflowIds;
    },
  };
}

beforeAll(async () => {
  system = await startSystem({ withoutWorkers: true });
});
afterAll(async () => {
  await Promise.all(programs.map((program) => program.kill()));
  await system.stop();
});

describe('workers that are told to stop', () => {
  it('are replaced one after the other under load: no handler fails and none begins again', async () => {
    const slow = 'add_conversation_tag(context, "before")\ntime.sleep(1.5)\nadd_conversation_tag(context, "after")';
    await useHandlers(system, { slow: handler(slow) });
    let workers = [startWorker(), startWorker()];
    await Promise.all(workers.map(started));
    const load = publishSteadily();
    for (const old of workers) {
      await sleep(1_000); // some are in the middle of their work
      expect(await old.stop()).toBe(0);
      const next = startWorker();
      await started(next);
      workers = [...workers.slice(1), next];
    }
    const workflowIds = await load.stop();
    expect(workflowIds.length).toBeGreaterThan(10);
    for (const workflowId of workflowIds) {
      await system.client.result(workflowId);
      const { slow: execution } = await system.executionsOf(workflowId);
      expect(execution).toMatchObject({ status: 'succeeded', attemptLog: [{ outcome: 'succeeded' }] });
    }
    expect(programs.flatMap(({ lines }) => lines).filter(({ level }) => level === 'error')).toEqual([]);
    const [first, last] = workers;
    expect(await first?.stop()).toBe(0);
    left = last;
  }, 120_000);

  it('let a handler end and answer its calls, although nobody else is there', async () => {
    const code = handler('time.sleep(3)\nadd_conversation_tag(context, "seen")\nreturn "done"');
    await useHandlers(system, { lone: code });
    const worker = takeLeft() ?? startWorker();
    await started(worker);
    const { workflowId } = await system.client.publish(closedEvent());
    await running(workflowId);
    expect(await worker.stop()).toBe(0);
    const { lone } = await system.executionsOf(workflowId);
    expect(lone).toMatchObject({ status: 'succeeded', result: 'done', attemptLog: [{ outcome: 'succeeded' }] });
  }, 60_000);

  it('cut off what takes longer than AFTERWORD_SHUTDOWN_SECONDS; the next worker begins it again', async () => {
    await useHandlers(system, { hangs: handler('time.sleep(20 if context["args"]["attempt"] == 1 else 0)') });
    const worker = startWorker({ AFTERWORD_SHUTDOWN_SECONDS: '1' });
    await started(worker);
    const { workflowId } = await system.client.publish(closedEvent());
    await running(workflowId);
    expect(await worker.stop()).toBe(0);
    const next = startWorker();
    await system.client.result(workflowId);
    const { hangs } = await system.executionsOf(workflowId);
    expect(hangs).toMatchObject({ status: 'succeeded', attemptLog: [{ outcome: 'lost' }, { outcome: 'succeeded' }] });
    left = next;
  }, 60_000);

  it('end at once when they are told a second time', async () => {
    await useHandlers(system, { hangs: handler('time.sleep(30)') });
    const worker = takeLeft() ?? startWorker();
    await started(worker);
    const { workflowId } = await system.client.publish(closedEvent());
    await running(workflowId);
    worker.signal('SIGTERM');
    await eventually(() => {
      expect(worker.lines.some(({ msg }) => msg.startsWith('worker stopping'))).toBe(true);
    });
    const asked = Date.now();
    worker.signal('SIGTERM');
    expect(await worker.exited()).toBe(130);
    expect(Date.now() - asked).toBeLessThan(2_000);
  }, 60_000);
});
