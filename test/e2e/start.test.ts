import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../../src/cli/api-client.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { isFinal } from '../../src/domain/status.ts';
import { readLeftRuntime } from '../../src/dev/runtime-file.ts';
import {
  descendants,
  endAll,
  expectGone,
  firstStartMs,
  interrupt,
  pidOf,
  readyAfter,
  run,
  type Started,
  untilSaid,
} from './started.ts';

function runtimeOf(home: string) {
  const runtime = readLeftRuntime(home);
  if (runtime === undefined) throw new Error('There is no runtime.json.');
  return runtime;
}

function apiOf(home: string) {
  const key = readFileSync(join(home, 'admin-key'), 'utf8').trim();
  return createApiClient({ url: runtimeOf(home).apiUrl, key, signal: AbortSignal.timeout(60_000) });
}

const changed = 'def handle_event(context):\n    return "changed"\n';
const slow = `import time

def handle_event(context):
    print("begun")
    time.sleep(60 if context["args"]["attempt"] == 1 else 0)
    return "done"
`;

/** One folder, three starts: what can be asked of one that runs is asked of one. */
describe.skipIf(readToolchain().python === null)('npm start', { timeout: firstStartMs + 60_000 }, () => {
  let home: string;
  let running: Started;
  let slowEvent: string;
  let executions: readonly string[];

  async function start(): Promise<Started> {
    const next = run(home);
    await untilSaid(next, 'Ctrl-C stops it', firstStartMs);
    return next;
  }

  const executionIds = async () => (await apiOf(home).executions({ limit: 100 })).items.map(({ id }) => id);

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'afterword-start-'));
    running = await start();
  }, firstStartMs + 60_000);

  afterAll(async () => {
    await endAll();
    await rm(home, { recursive: true, force: true });
  });

  test('shows what the example handlers did', () => checkFirstStart(home, running));

  test('the example handlers bear a conversation without messages', async () => {
    const api = apiOf(home);
    const conversation = { id: crypto.randomUUID(), publicId: 'EMPTY1', subject: '', businessSlug: 'example-shop' };
    const handlers = { conversation_closed: 5, conversation_handed_off: 2 };
    for (const [type, count] of Object.entries(handlers)) {
      const { id } = await api.publish({ id: `empty-${type}`, type, conversation });
      await expect
        .poll(async () => (await api.eventExecutions(id)).map(({ status }) => status), { timeout: 30_000 })
        .toEqual(Array.from({ length: count }, () => 'succeeded'));
    }
  });

  test('stops within 5 s while a handler runs, without a trace of running', async () => {
    const api = apiOf(home);
    await api.pushHandler({
      name: 'handoff-note',
      eventType: 'conversation_handed_off',
      language: 'python',
      code: changed,
      settings: { attempts: 1 },
    });
    await api.pushHandler({
      name: 'slow',
      eventType: 'conversation_reopened',
      language: 'python',
      code: slow,
      settings: { attempts: 1 },
    });
    const { id } = await api.publish({ id: 'slow-1', type: 'conversation_reopened', conversationId: 'EXAMPLE1' });
    await expect
      .poll(async () => (await api.eventExecutions(id)).map(({ status }) => status), { timeout: 30_000 })
      .toEqual(['running']);
    slowEvent = id;
    executions = await executionIds();
    expect(executions).toHaveLength(7 + 7 + 1);
    const pids = descendants(pidOf(running));
    const { code, ms } = await interrupt(running);
    expect({ code, inTime: ms < 5_000, text: running.text() }).toMatchObject({ code: 0, inTime: true });
    await expectGone(pids);
    expect(existsSync(join(home, 'runtime.json'))).toBe(false);
    expect(existsSync(join(home, 'lock'))).toBe(false);
  });

  test('a second start is ready soon, publishes nothing and leaves changed handlers alone', async () => {
    running = await start();
    expect(running.text()).not.toContain('First start');
    // 3 s on an idle machine; this one may be busy.
    expect(readyAfter(running)).toBeLessThan(15);
    expect((await apiOf(home).handler('handoff-note')).code).toBe(changed);
    expect(await executionIds()).toEqual(executions);
  });

  test('goes on with the handler that ran when it was stopped', async () => {
    const ended = async () => (await apiOf(home).eventExecutions(slowEvent)).filter(({ status }) => isFinal(status));
    await expect
      .poll(ended, { timeout: 60_000, interval: 200 })
      .toMatchObject([{ status: 'succeeded', result: 'done' }]);
  });

  test('the Temporal server is started again when it dies, and events run on', async () => {
    const temporal = descendants(pidOf(running)).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('start-dev'),
    );
    if (temporal === undefined) throw new Error('There is no Temporal server.');
    process.kill(temporal, 'SIGKILL');
    const api = apiOf(home);
    const event = { id: 'while-away', type: 'conversation_handed_off', conversationId: 'EXAMPLE2' };
    const { id } = await api.publish(event);
    await untilSaid(running, 'Temporal runs again', 60_000);
    await expect
      .poll(async () => (await api.eventExecutions(id)).map(({ status }) => status), { timeout: 60_000, interval: 200 })
      .toEqual(['succeeded', 'succeeded']);
  });

  test('a second one on the same folder is refused, and a killed one leaves nothing behind', async () => {
    const other = run(home);
    expect(await other.exited).toBe(1);
    expect(other.text()).toContain('store_locked');
    expect(other.text()).toContain(`pid ${pidOf(running)}`);

    const pids = descendants(pidOf(running));
    running.child.kill('SIGKILL');
    await running.exited;
    await expectGone(pids, 6_000);
    const next = await start();
    const ofNext = descendants(pidOf(next));
    const { code, ms } = await interrupt(next);
    expect({ code, inTime: ms < 5_000 }).toEqual({ code: 0, inTime: true });
    await expectGone(ofNext);
  });
});

async function checkFirstStart(home: string, first: Started): Promise<void> {
  const runtime = runtimeOf(home);
  expect(runtime).toMatchObject({ namespace: 'default', taskQueue: 'afterword', pid: pidOf(first) });
  expect(statSync(join(home, 'admin-key')).mode & 0o777).toBe(0o600);
  expect(statSync(home).mode & 0o777).toBe(0o700);
  const api = apiOf(home);
  expect((await api.handlers()).map(({ name }) => name)).toEqual([
    'classify-conversation',
    'first-reply',
    'handoff-note',
    'log-to-sheets',
    'notify-webhook',
    'tell-slack',
    'update-crm',
  ]);
  expect((await api.conversation('EXAMPLE2')).tags).toEqual(['handed-off']);
  const { items } = await api.executions({});
  expect(items.map(({ status }) => status)).toEqual(Array.from({ length: 7 }, () => 'succeeded'));
  for (const { handlerName, workflowId, runId } of items) {
    expect(first.text()).toContain(handlerName);
    expect(first.text()).toContain(
      `${runtime.temporalUiUrl ?? ''}/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId ?? ''}`,
    );
  }
  expect(first.text()).toContain('POST https://api.example.com/crm/conversations 200');
  const receiver = /Receiver +(\S+)/.exec(first.text())?.[1] ?? '';
  expect(await (await fetch(receiver)).text()).toContain('POST hooks.slack.com/services/YOUR/WEBHOOK/URL');
  // For people: no line of the log.
  expect(first.text()).not.toContain('{"level"');
  expect(first.text()).not.toContain('[INFO]');
}
