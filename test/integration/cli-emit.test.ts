import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { playing } from './cli-play.ts';
import { createCliUnderTest, runIn } from './cli-under-test.ts';
import type { CliUnderTest } from './cli-under-test.ts';

const conversation = {
  id: '0199a3f0-0000-7000-8000-000000000001',
  publicId: 'C-1',
  subject: 'A late parcel',
  businessSlug: 'parcels',
  messages: [{ sender: 'customer', timestamp: '2026-01-31T11:59:00Z', content: 'Where is it?', channel: 'email' }],
};
const traceback =
  'Traceback (most recent call last):\n  File "handler.py", line 2, in handle_event\n    1 / 0\nZeroDivisionError: division by zero\n';
const zeroDivision = { type: 'ZeroDivisionError', message: 'division by zero', traceback };

let cli: CliUnderTest;
let eventNumber = 0;

function eventFile(name: string, change: Record<string, unknown> = {}): string {
  eventNumber += 1;
  const event = { id: `closing-${eventNumber}`, type: 'conversation_closed', conversation, ...change };
  writeFileSync(join(cli.folder, name), JSON.stringify(event, null, 2));
  return name;
}

beforeAll(async () => {
  cli = await createCliUnderTest();
  mkdirSync(join(cli.folder, 'handlers'));
  writeFileSync(join(cli.folder, 'handlers/tidy.py'), 'def handle_event(context):\n    return {"tidied": True}\n');
  writeFileSync(join(cli.folder, 'handlers/broken.py'), 'def handle_event(context):\n    1 / 0\n');
  writeFileSync(
    join(cli.folder, 'handlers/handlers.yaml'),
    'handlers:\n  - {name: tidy, event: conversation_closed, file: tidy.py}\n  - {name: broken, event: conversation_closed, file: broken.py}\n',
  );
  expect(await cli.run(['handlers', 'push', 'handlers'])).toMatchObject({ exitCode: 0 });
});

beforeEach(() => {
  cli.workers.play = playing({
    tidy: {
      stdout: 'tidying up\n',
      result: { tidied: true },
      calls: [{ name: 'add_conversation_tag', args: { tag: 'vip' }, answer: { success: true } }],
    },
    broken: {
      status: 'failed',
      reason: 'raised',
      error: zeroDivision,
      stdout: 'about to divide\n',
      stderr: `watch out\n${traceback}`,
    },
  });
});

afterAll(() => cli.close());

describe('emit', () => {
  test('publishes a file and says so; the same file again is a duplicate', async () => {
    const file = eventFile('once.json');
    const first = await cli.run(['emit', file]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    expect(first.stdout).toMatch(/^closing-\d+: accepted \(event [\da-f-]{36}\)\n$/);
    expect((await cli.run(['emit', file])).stdout).toContain('known already, nothing runs twice');
  });

  test('--json prints the event alone on stdout, from standard input too', async () => {
    const event = { id: 'from-stdin', type: 'conversation_closed', conversation };
    const ran = await cli.run(['emit', '-', '--json'], { stdin: JSON.stringify(event) });
    expect(ran.exitCode).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ event: { eventId: 'from-stdin', duplicate: false } });
  });

  test('publishes a list in order', async () => {
    const events = [1, 2].map((n) => ({ id: `list-${n}`, type: 'conversation_handed_off', conversation }));
    const ran = await cli.run(['emit', '-', '--json'], { stdin: JSON.stringify(events) });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      items: [{ event: { eventId: 'list-1' } }, { event: { eventId: 'list-2' } }],
    });
  });

  test('--wait shows each handler, then why one failed with what it printed, and exits with 1', async () => {
    const ran = await cli.run(['emit', eventFile('wait.json'), '--wait']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^tidy\s+1\s+succeeded\s+1\s+20 ms\s+12 ms\s+1\s/m);
    expect(ran.stdout).toMatch(/^broken\s+1\s+failed \(raised\)/m);
    expect(ran.stdout).toContain('line 2, in handle_event');
    expect(ran.stdout).toContain('about to divide');
    expect(ran.stdout).toContain('watch out');
    expect(ran.stdout.split('Traceback')).toHaveLength(2);
    expect(ran.stderr).toContain('1 of 2 handlers did not succeed: broken (raised). (handler_failed)');
  });

  test('--wait --json prints executions with results, logs and calls, and the conversation', async () => {
    const ran = await cli.run(['emit', eventFile('json.json'), '--wait', '--json']);
    expect(ran.exitCode).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      event: { duplicate: false, status: 'partly', conversationId: conversation.id },
      executions: [
        { handlerName: 'broken', status: 'failed', error: zeroDivision, stdout: 'about to divide\n' },
        {
          handlerName: 'tidy',
          status: 'succeeded',
          result: { tidied: true },
          stdout: 'tidying up\n',
          calls: [{ name: 'add_conversation_tag', args: { tag: 'vip' }, answer: { success: true } }],
        },
      ],
      conversation: { publicId: 'C-1', tags: [], metadata: {}, timeline: [] },
    });
    expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code: 'handler_failed' } });
  });

  test('--wait says so when no handler is on for the type', async () => {
    const ran = await cli.run(['emit', eventFile('handed.json', { type: 'conversation_handed_off' }), '--wait']);
    expect(ran).toMatchObject({ exitCode: 0 });
    expect(ran.stdout).toContain('No handler ran');
  });

  test('--wait gives up after --timeout, prints what is known and names the handlers that still run', async () => {
    cli.workers.play = playing({ tidy: {} });
    const ran = await cli.run(['emit', eventFile('slow.json'), '--wait', '--timeout', '0.5']);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toMatch(/^broken\s+1\s+waiting/m);
    expect(ran.stderr).toContain('After 0.5 s 1 handler had not ended: broken (waiting). (wait_timed_out)');
  });

  test('Ctrl-C ends the waiting with 130', async () => {
    cli.workers.play = playing({});
    const interrupt = new AbortController();
    setTimeout(() => {
      interrupt.abort();
    }, 300);
    const ran = await cli.run(['emit', eventFile('ctrl-c.json'), '--wait'], { signal: interrupt.signal });
    expect(ran).toMatchObject({ exitCode: 130, stderr: '' });
  });
});

describe('emit with a file that cannot be used says where, sends nothing and exits with 2', () => {
  const cases: [string, string | undefined, RegExp][] = [
    ['no such file', undefined, /nowhere\.json cannot be read: there is no such file/],
    ['an empty file', '', /is empty/],
    ['a comma too many', '{\n  "type": "conversation_closed",\n}', /line 3, column 1/],
    ['a missing bracket', '{"type": "conversation_closed"', /line 1, column 31/],
    ['a bare word', '{\n "type": closed\n}', /line 2, column 10/],
    ['an empty list', '[]', /holds no event/],
    ['something else than an object', '[\n {"type": "conversation_closed"},\n 7]', /line 3: an event is an object/],
  ];
  test.each(cases)('%s', async (name, content, message) => {
    const file = content === undefined ? 'nowhere.json' : `${name.replaceAll(' ', '-')}.json`;
    if (content !== undefined) writeFileSync(join(cli.folder, file), content);
    const ran = await cli.run(['emit', file]);
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

test('a field that the server refuses is named with its line in the file', async () => {
  const wrong = { ...conversation, messages: [{ ...conversation.messages[0], sender: 'robot' }] };
  const ran = await cli.run(['emit', eventFile('refused.json', { conversation: wrong })]);
  expect(ran.exitCode).toBe(1);
  expect(ran.stderr).toMatch(
    /refused\.json, line 11: conversation\.messages\.0\.sender: expected one of customer, bot, agent/,
  );
  expect(ran.stderr).toContain('→ Mend the fields');
});

describe('emit --temporal', () => {
  async function emitDirectly(event: Record<string, unknown>, ...args: string[]) {
    const home = join(cli.folder, 'temporal-home');
    mkdirSync(home, { recursive: true });
    const { address, namespace } = inject('temporal');
    const runtime = { apiUrl: cli.url, temporalAddress: address, namespace, taskQueue: 'cli-emit-without-workers' };
    writeFileSync(join(home, 'runtime.json'), JSON.stringify(runtime));
    writeFileSync(join(home, 'admin-key'), 'aw_is_not_used_here');
    const options = { stdin: JSON.stringify(event) };
    return await runIn(cli.folder, home, ['emit', '-', '--temporal', ...args], options);
  }
  const event = { id: randomUUID(), type: 'conversation_closed', conversation };

  test('starts the workflow once, without the API', async () => {
    const first = await emitDirectly(event, '--json');
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    const workflowId = expect.stringMatching(/^conversation-event\/example\//) as string;
    expect(JSON.parse(first.stdout)).toEqual({ event: { id: null, workflowId, duplicate: false } });
    expect((await emitDirectly(event)).stdout).toContain('known already, nothing runs twice');
  });

  test('--wait gives up after --timeout', async () => {
    const ran = await emitDirectly(event, '--wait', '--timeout', '0.5');
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('After 0.5 s the workflow had not ended. (wait_timed_out)');
  });

  test('refuses an event that is not valid before anything is sent', async () => {
    const ran = await emitDirectly({ ...event, type: 'conversation_ended' });
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(/standard input, line 1: type: expected one of conversation_closed/);
  });
});
