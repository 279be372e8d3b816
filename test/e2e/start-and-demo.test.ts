import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createApiClient } from '../../src/cli/api-client.ts';
import { packageRoot } from '../../src/config/package-root.ts';
import { readToolchain } from '../../src/config/toolchain.ts';
import { isFinal } from '../../src/domain/status.ts';
import { readLeftRuntime } from '../../src/dev/runtime-file.ts';

/** Generous: the embedded store is made at the first start, on a machine that others use too. */
const firstStartMs = 120_000;

interface Started {
  readonly child: ChildProcess;
  readonly text: () => string;
  readonly exited: Promise<number | null>;
}

const started: Started[] = [];

afterEach(async () => {
  for (const { child, exited } of started.splice(0)) {
    child.kill('SIGKILL');
    await exited;
  }
});

function run(home: string, options: { args?: string[]; env?: Record<string, string> } = {}): Started {
  const child = spawn(process.execPath, [join(packageRoot, 'dist', 'dev.js'), ...(options.args ?? [])], {
    cwd: packageRoot,
    // A group of its own, as a terminal gives it: Ctrl-C reaches all of it.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AFTERWORD_HOME: home,
      AFTERWORD_PORT: '0',
      AFTERWORD_TEMPORAL_PORT: '0',
      AFTERWORD_TEMPORAL_UI_PORT: '0',
      ...options.env,
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const one = { child, text: () => text, exited };
  started.push(one);
  return one;
}

async function untilSaid({ text, child }: Started, words: string, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!text().includes(words)) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}:\n${text()}`);
    if (Date.now() > deadline) throw new Error(`"${words}" was not said within ${withinMs} ms:\n${text()}`);
    await sleep(20);
  }
}

/** Seconds from the start of the process, as it says itself. */
function readyAfter({ text }: Started): number {
  return Number(/Afterword is ready, after ([\d.]+) s/.exec(text())?.[1]);
}

/** All processes below this one, whatever group or session they are in. */
function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const parent = parentOf(Number(name));
      return parent === undefined ? [] : [[Number(name), parent] as const];
    });
  const below = (parent: number): number[] =>
    parents.filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

async function expectGone(pids: readonly number[], withinMs = 0): Promise<void> {
  const deadline = Date.now() + withinMs;
  const left = () => pids.filter((pid) => parentOf(pid) !== undefined);
  while (left().length > 0 && Date.now() < deadline) await sleep(20);
  expect(left()).toEqual([]);
}

function pidOf({ child }: Started): number {
  if (child.pid === undefined) throw new Error('The process has no id.');
  return child.pid;
}

/** Ctrl-C in a terminal. Answers how long the end took. */
async function interrupt(running: Started): Promise<{ code: number | null; ms: number }> {
  const start = performance.now();
  process.kill(-pidOf(running), 'SIGINT');
  const code = await running.exited;
  return { code, ms: performance.now() - start };
}

function runtimeOf(home: string) {
  const runtime = readLeftRuntime(home);
  if (runtime === undefined) throw new Error('There is no runtime.json.');
  return runtime;
}

function apiOf(home: string) {
  const key = readFileSync(join(home, 'admin-key'), 'utf8').trim();
  return createApiClient({ url: runtimeOf(home).apiUrl, key, signal: AbortSignal.timeout(60_000) });
}

describe.skipIf(readToolchain().python === null)('npm start', { timeout: firstStartMs + 60_000 }, () => {
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'afterword-start-'));
    const first = run(home);
    await untilSaid(first, 'Ctrl-C stops it', firstStartMs);
    try {
      await checkFirstStart(home, first);
    } finally {
      const pids = descendants(pidOf(first));
      const { code, ms } = await interrupt(first);
      expect({ code, inTime: ms < 5_000 }).toEqual({ code: 0, inTime: true });
      await expectGone(pids);
    }
  }, firstStartMs + 60_000);

  afterAll(async () => {
    await rm(home, { recursive: true, force: true });
  });

  test('stopped without a trace of running', () => {
    expect(existsSync(join(home, 'runtime.json'))).toBe(false);
    expect(existsSync(join(home, 'lock'))).toBe(false);
  });

  test('a second start is ready soon, publishes nothing and leaves changed handlers alone', async () => {
    const second = run(home);
    await untilSaid(second, 'Ctrl-C stops it', firstStartMs);
    const api = apiOf(home);
    const before = (await api.executions({})).items.map(({ id }) => id);
    expect(before).toHaveLength(7);
    expect(second.text()).not.toContain('First start');
    // 3 s on an idle machine; this one may be busy.
    expect(readyAfter(second)).toBeLessThan(15);

    const changed = 'def handle_event(context):\n    return "changed"\n';
    await api.pushHandler({
      name: 'handoff-note',
      eventType: 'conversation_handed_off',
      language: 'python',
      code: changed,
      settings: { attempts: 1 },
    });
    expect((await interrupt(second)).code).toBe(0);

    const third = run(home);
    await untilSaid(third, 'Ctrl-C stops it', firstStartMs);
    expect((await apiOf(home).handler('handoff-note')).code).toBe(changed);
    expect((await apiOf(home).executions({})).items.map(({ id }) => id)).toEqual(before);
    expect((await interrupt(third)).code).toBe(0);
  });

  test('the example handlers bear a conversation without messages', async () => {
    const running = run(home);
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
    const api = apiOf(home);
    const conversation = { id: crypto.randomUUID(), publicId: 'EMPTY1', subject: '', businessSlug: 'example-shop' };
    const handlers = { conversation_closed: 5, conversation_handed_off: 2 };
    for (const [type, count] of Object.entries(handlers)) {
      const { id } = await api.publish({ id: `empty-${type}`, type, conversation });
      await expect
        .poll(async () => (await api.eventExecutions(id)).map(({ status }) => status), { timeout: 30_000 })
        .toEqual(Array.from({ length: count }, () => 'succeeded'));
    }
    expect((await interrupt(running)).code).toBe(0);
  });

  test('stops within 5 s while a handler runs, which goes on at the next start', async () => {
    const running = run(home);
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
    const api = apiOf(home);
    await api.pushHandler({
      name: 'slow',
      eventType: 'conversation_reopened',
      language: 'python',
      code: 'import time\n\ndef handle_event(context):\n    print("begun")\n    time.sleep(8)\n    return "done"\n',
      settings: { attempts: 1 },
    });
    const { id } = await api.publish({ id: 'slow-1', type: 'conversation_reopened', conversationId: 'EXAMPLE1' });
    await expect
      .poll(async () => (await api.eventExecutions(id)).map(({ status }) => status), { timeout: 30_000 })
      .toEqual(['running']);
    const pids = descendants(pidOf(running));
    const { code, ms } = await interrupt(running);
    expect({ code, inTime: ms < 5_000, text: running.text() }).toMatchObject({ code: 0, inTime: true });
    await expectGone(pids);

    const next = run(home);
    await untilSaid(next, 'Ctrl-C stops it', firstStartMs);
    await expect
      .poll(async () => (await apiOf(home).eventExecutions(id)).filter(({ status }) => isFinal(status)), {
        timeout: 60_000,
        interval: 200,
      })
      .toMatchObject([{ status: 'succeeded', result: 'done' }]);
    expect((await interrupt(next)).code).toBe(0);
  });

  test('the Temporal server is started again when it dies, and events run on', async () => {
    const running = run(home);
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
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
    expect((await interrupt(running)).code).toBe(0);
  });

  test('a second one on the same folder is refused, and a killed one leaves nothing behind', async () => {
    const running = run(home);
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
    const other = run(home);
    expect(await other.exited).toBe(1);
    expect(other.text()).toContain('store_locked');
    expect(other.text()).toContain(`pid ${pidOf(running)}`);

    const pids = descendants(pidOf(running));
    running.child.kill('SIGKILL');
    await running.exited;
    await expectGone(pids, 6_000);
    const next = run(home);
    await untilSaid(next, 'Ctrl-C stops it', firstStartMs);
    expect((await interrupt(next)).code).toBe(0);
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

describe('npm start refuses', { timeout: 60_000 }, () => {
  let home: string;

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'afterword-refused-'));
  });
  afterAll(async () => {
    await rm(home, { recursive: true, force: true });
  });

  async function refusal(env: Record<string, string>): Promise<string> {
    const refused = run(home, { env });
    expect(await refused.exited, refused.text()).toBe(1);
    return refused.text();
  }

  test('ports that are in use, each with its variable', async () => {
    const servers = [createServer(), createServer(), createServer()];
    const ports = [];
    for (const server of servers) {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ports.push(String((server.address() as AddressInfo).port));
    }
    const [api = '', temporal = '', ui = ''] = ports;
    try {
      const text = await refusal({
        AFTERWORD_PORT: api,
        AFTERWORD_TEMPORAL_PORT: temporal,
        AFTERWORD_TEMPORAL_UI_PORT: ui,
      });
      expect(text).toContain('port_taken');
      expect(text).toContain(`127.0.0.1:${api} (AFTERWORD_PORT)`);
      expect(text).toContain(`127.0.0.1:${temporal} (AFTERWORD_TEMPORAL_PORT)`);
      expect(text).toContain(`127.0.0.1:${ui} (AFTERWORD_TEMPORAL_UI_PORT)`);
    } finally {
      for (const server of servers) server.close();
    }
  });

  test('a bad configuration, naming every variable', async () => {
    const text = await refusal({ AFTERWORD_PORT: 'http', AFTERWORD_LOG_LEVEL: 'loud' });
    expect(text).toContain('bad_configuration');
    expect(text).toContain('AFTERWORD_PORT');
    expect(text).toContain('AFTERWORD_LOG_LEVEL');
  });

  test('to run without a Temporal CLI', async () => {
    expect(await refusal({ TEMPORAL_CLI_PATH: '/nonexistent/temporal' })).toContain('temporal_cli_missing');
  });

  test('a folder that cannot be used', async () => {
    const text = await refusal({ AFTERWORD_HOME: join(packageRoot, 'package.json') });
    expect(text).toContain('bad_configuration');
    expect(text).toContain('AFTERWORD_HOME');
  });

  test('a Temporal CLI that does not run, leaving no process behind', async () => {
    const refused = run(home, { env: { TEMPORAL_CLI_PATH: '/bin/false' } });
    const seen = new Set<number>();
    while (refused.child.exitCode === null) {
      for (const pid of descendants(pidOf(refused))) seen.add(pid);
      await sleep(10);
    }
    expect(await refused.exited).toBe(1);
    expect(refused.text()).toContain('temporal_start_failed');
    await expectGone([...seen]);
  });
});

test('without Python the system runs and says how to mend it', { timeout: firstStartMs }, async () => {
  const home = await mkdtemp(join(tmpdir(), 'afterword-no-python-'));
  try {
    const running = run(home, { env: { AFTERWORD_PYTHON: '/nonexistent/python' } });
    await untilSaid(running, 'Ctrl-C stops it', firstStartMs);
    expect(running.text()).toContain('Python handlers are refused');
    expect(running.text()).toContain('AFTERWORD_PYTHON');
    expect((await interrupt(running)).code).toBe(0);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

describe('npm run demo', { timeout: firstStartMs }, () => {
  test.skipIf(readToolchain().python === null)('shows what ran and exits 0', async () => {
    const demo = run('/nonexistent', { args: ['--demo'] });
    expect(await demo.exited, demo.text()).toBe(0);
    expect(demo.text()).toContain('classify-conversation');
    expect(demo.text()).toContain('POST hooks.slack.com/services/YOUR/WEBHOOK/URL');
    expect(demo.text()).toContain('add_conversation_tag "handed-off"');
    expect(demo.text()).toContain('nothing ran twice');
  });

  test('exits 1 with the reason where Python handlers cannot run', async () => {
    const demo = run('/nonexistent', { args: ['--demo'], env: { AFTERWORD_PYTHON: '/nonexistent/python' } });
    expect(await demo.exited, demo.text()).toBe(1);
    expect(demo.text()).toContain('python_missing');
  });
});
