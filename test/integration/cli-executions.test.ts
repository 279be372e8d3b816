import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLogs } from '../../src/store/execution-ledger/write-logs.ts';
import { playing } from './cli-play.ts';
import { createCliUnderTest } from './cli-under-test.ts';
import type { CliUnderTest, Ran } from './cli-under-test.ts';

const conversation = {
  id: '0199a3f0-0000-7000-8000-000000000001',
  publicId: 'C-1',
  subject: 'A late parcel',
  businessSlug: 'parcels',
};
const traceback =
  'Traceback (most recent call last):\n  File "handler.py", line 2, in handle_event\nKeyError: \'vip\'\n';

let cli: CliUnderTest;
let failedId: string;
let succeededId: string;

async function emit(id: string): Promise<Ran> {
  const event = { id, type: 'conversation_closed', conversation };
  return await cli.run(['emit', '-', '--json'], { stdin: JSON.stringify(event) });
}

async function executionIds(args: readonly string[]): Promise<string[]> {
  const { stdout } = await cli.run(['executions', '--json', ...args]);
  const { items } = JSON.parse(stdout) as { items: { id: string }[] };
  return items.map(({ id }) => id);
}

beforeAll(async () => {
  cli = await createCliUnderTest();
  writeFileSync(join(cli.folder, 'h.py'), 'def handle_event(context):\n    return 1\n');
  const entries = ['broken', 'tidy'].map((name) => `  - {name: ${name}, event: conversation_closed, file: h.py}\n`);
  writeFileSync(join(cli.folder, 'handlers.yaml'), `handlers:\n${entries.join('')}`);
  await cli.run(['handlers', 'push']);
  cli.workers.play = playing({
    tidy: {
      stdout: 'one\n\u001b]0;title\u0007two\n',
      result: { tidied: [1, 2] },
      calls: [{ name: 'add_conversation_tag', args: { tag: 'vip' }, answer: { success: true, tagId: 't-1' } }],
    },
    broken: {
      status: 'failed',
      reason: 'raised',
      error: { type: 'KeyError', message: "'vip'", traceback },
      stderr: `looking\n${traceback}`,
    },
  });
  expect(await emit('closing-1')).toMatchObject({ exitCode: 0 });
  const wait = await cli.run(['emit', '-', '--wait', '--json'], {
    stdin: JSON.stringify({ id: 'closing-1', type: 'conversation_closed', conversation }),
  });
  const { executions } = JSON.parse(wait.stdout) as { executions: [{ id: string }, { id: string }] };
  [{ id: failedId }, { id: succeededId }] = executions;
});
afterAll(() => cli.close());

describe('executions', () => {
  test('lists them with queue time and run time apart', async () => {
    const ran = await cli.run(['executions']);
    expect(ran.stdout).toMatch(
      /^HANDLER\s+VERSION\s+STATUS\s+ATTEMPTS\s+QUEUED\s+RAN\s+WHEN\s+CONVERSATION\s+EXECUTION$/m,
    );
    expect(ran.stdout).toMatch(/^tidy\s+1\s+succeeded\s+1\s+20 ms\s+12 ms\s+\S+ \S+Z\s+C-1\s+[\da-f-]+$/m);
  });

  test('finds them by type, reason, time and text in the error, and counts them', async () => {
    expect(await executionIds(['--event-type', 'conversation_closed', '--total'])).toHaveLength(2);
    expect(await executionIds(['--reason', 'raised', '--error', 'VIP'])).toEqual([failedId]);
    expect(await executionIds(['--status', 'failed', 'succeeded'])).toHaveLength(2);
    expect(await executionIds(['--to', '2020-01-01T00:00:00Z'])).toEqual([]);
    expect((await cli.run(['executions', '--total', '--failed'])).stdout).toContain('1 in all.');
    expect(await cli.run(['executions', '--reason', 'bad'])).toMatchObject({ exitCode: 2 });
  });

  test('rerun says what it would run again', async () => {
    expect(await cli.run(['executions', 'rerun', '--failed', '--dry-run'])).toMatchObject({
      stdout: '1 match; 1 would be run again.\n',
      stderr: '',
      exitCode: 0,
    });
    const { stdout: json } = await cli.run(['executions', 'rerun', '--handler', 'broken', '--dry-run', '--json']);
    expect(JSON.parse(json)).toMatchObject({ dryRun: true, matched: 1, taken: 1 });
    expect(await cli.run(['executions', 'rerun', '--dry-run'])).toMatchObject({ exitCode: 1 });
  });

  test('--failed, --status, --handler, --conversation and --limit narrow the list', async () => {
    expect(await executionIds(['--failed'])).toEqual([failedId]);
    expect(await executionIds(['--status', 'succeeded'])).toEqual([succeededId]);
    expect(await executionIds(['--handler', 'tidy'])).toEqual([succeededId]);
    expect(await executionIds(['--conversation', 'C-1'])).toHaveLength(2);
    expect(await executionIds(['--limit', '1'])).toHaveLength(1);
    expect(await executionIds(['--failed', '--handler', 'tidy'])).toEqual([]);
    expect((await cli.run(['executions', '--handler', 'tidy', '--failed'])).stdout).toBe('No executions.\n');
  });

  test('a page names the next one', async () => {
    const first = await cli.run(['executions', '--limit', '1']);
    const cursor = /--before (\S+)/.exec(first.stdout)?.[1] ?? '';
    expect(await executionIds(['--limit', '1', '--before', cursor])).toHaveLength(1);
  });

  test('an unknown status is refused with the ones there are', async () => {
    const ran = await cli.run(['executions', '--status', 'broken']);
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain('timed_out');
  });
});

describe('execution ID', () => {
  test('of a failure shows reason, traceback, attempts and both streams', async () => {
    const { stdout } = await cli.run(['execution', failedId]);
    for (const part of [
      'failed (raised)',
      'in the queue  20 ms',
      'running       12 ms',
      'line 2, in handle_event',
      "KeyError: 'vip'",
    ]) {
      expect(stdout).toContain(part);
    }
    expect(stdout).toMatch(/stdout {2}\(nothing was printed\)/);
    expect(stdout).toMatch(/stderr\n {2}looking/);
  });

  test('of a success shows the result and each call with arguments and answer', async () => {
    const { stdout } = await cli.run(['execution', succeededId]);
    expect(stdout).toMatch(
      /add_conversation_tag #1 {2}succeeded · \d+ ms\n\s+→ {"tag":"vip"}\n\s+← {"success":true,"tagId":"t-1"}/,
    );
    expect(stdout).toContain('"tidied"');
    expect(stdout).toContain('conversation_closed');
  });

  test('--json prints the detail as the API has it', async () => {
    const { stdout } = await cli.run(['execution', succeededId, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      id: succeededId,
      result: { tidied: [1, 2] },
      attemptLog: [{ attempt: 1 }],
    });
  });

  test('an unknown id is an error that says where to look', async () => {
    const ran = await cli.run(['execution', '0199a3f0-0000-7000-8000-00000000dead']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toContain('(execution_not_found)\n  → Run `afterword executions`');
  });
});

describe('logs', () => {
  test('of one execution are its streams alone; what would steer the terminal is shown as signs', async () => {
    expect(await cli.run(['logs', succeededId])).toMatchObject({
      stdout: 'one\n␛]0;title␇two\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await cli.run(['logs', failedId])).toMatchObject({ stdout: '', stderr: `looking\n${traceback}` });
  });

  test('without an id are those of the newest executions, of one handler where asked', async () => {
    const all = await cli.run(['logs']);
    expect(all.stdout).toMatch(/tidy {2}succeeded[^\n]*\n {2}out \| one\n/);
    expect(all.stdout).toMatch(/broken {2}failed \(raised\)[^\n]*\n {2}err \| looking\n/);
    expect((await cli.run(['logs', '--handler', 'tidy'])).stdout).not.toContain('broken');
  });

  test('-f with an id ends with the execution', async () => {
    const { stdout, exitCode } = await cli.run(['logs', '-f', failedId]);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')[0]).toBe('broken err | looking');
    expect(stdout).toMatch(/broken --- \| failed \(raised\)\n$/);
  });

  test('-f without an id shows new lines as they come, once each, until Ctrl-C', async () => {
    const interrupt = new AbortController();
    const release = Promise.withResolvers<undefined>();
    const played = playing({ tidy: { stdout: 'first\nhal', pause: release.promise }, broken: {} });
    cli.workers.play = async (store, event) => {
      const finished = played(store, event);
      await seen('tidy out | first');
      const execution = event.executions.find(({ handlerName }) => handlerName === 'tidy');
      const ref = { organizationId: event.organizationId, executionId: execution?.executionId ?? '', attempt: 1 };
      await writeLogs(store.db, ref, [{ stream: 'stdout', seq: 1, text: 'f\nlast', missingBytes: 0 }]);
      await seen('tidy out | half');
      release.resolve(undefined);
      await finished;
    };
    let shown = '';
    async function seen(text: string): Promise<void> {
      await expect.poll(() => shown, { timeout: 10_000 }).toContain(text);
    }
    const onStdout = (sofar: string) => {
      shown = sofar;
    };
    const following = cli.run(['logs', '-f', '--limit', '1'], { signal: interrupt.signal, onStdout });
    await emit('closing-followed');
    await seen('tidy out | last');
    await seen('tidy --- | succeeded');
    await seen('broken --- | succeeded');
    interrupt.abort();
    const { stdout, exitCode, stderr } = await following;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    // One of before, as --limit says, and the two of this event.
    expect(stdout.match(/ --- \| /g)).toHaveLength(3);
    expect(stdout.match(/tidy out \| (first|half|last)/g)).toEqual([
      'tidy out | first',
      'tidy out | half',
      'tidy out | last',
    ]);
  });

  test('-f --json prints one object a line', async () => {
    const { stdout } = await cli.run(['logs', '-f', succeededId, '--json']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines[0]).toEqual({
      executionId: succeededId,
      handler: 'tidy',
      version: 1,
      attempt: 1,
      kind: 'stdout',
      text: 'one',
    });
    expect(lines.at(-1)).toMatchObject({ kind: 'status', status: 'succeeded' });
  });
});
