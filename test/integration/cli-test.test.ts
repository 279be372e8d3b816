import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { playing } from './cli-play.ts';
import { createCliUnderTest } from './cli-under-test.ts';
import type { CliUnderTest, Ran } from './cli-under-test.ts';

const conversation = {
  id: '0199a3f0-0000-7000-8000-000000000001',
  publicId: 'ABC123XYZ',
  subject: 'A late parcel',
  businessSlug: 'parcels',
};

let cli: CliUnderTest;

beforeAll(async () => {
  cli = await createCliUnderTest();
  writeFileSync(join(cli.folder, 'tidy.py'), 'def handle_event(context):\n    return 1\n');
  writeFileSync(
    join(cli.folder, 'handlers.yaml'),
    'handlers:\n  - {name: saved, event: conversation_handed_off, file: tidy.py}\n',
  );
  await cli.run(['handlers', 'push']);
  const event = { id: 'e-1', type: 'conversation_closed', conversation };
  expect(await cli.run(['emit', '-'], { stdin: JSON.stringify(event) })).toMatchObject({ exitCode: 0 });
});
afterAll(() => cli.close());

const succeeding = {
  stdout: 'tidying up\n',
  stderr: 'careful\n',
  result: { tidied: true },
  calls: [{ name: 'add_conversation_tag', args: { tag: 'vip' }, answer: { success: true } }],
};
beforeEach(() => {
  cli.workers.play = playing({ unsaved: succeeding, saved: succeeding });
});

const onClosed = ['--conversation', 'ABC123XYZ', '--event', 'conversation_closed'];
const testFile = (...args: string[]): Promise<Ran> => cli.run(['test', 'tidy.py', ...onClosed, ...args]);

test('shows status, result, both streams and each call with its duration; exit code 0', async () => {
  const { exitCode, stdout, stderr } = await testFile();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('status        succeeded');
  expect(stdout).toContain('event         conversation_closed, none: a test run');
  expect(stdout).toContain('"tidied": true');
  expect(stdout).toMatch(/stdout\n {2}tidying up/);
  expect(stdout).toMatch(/stderr\n {2}careful/);
  expect(stdout).toMatch(/add_conversation_tag #1 {2}succeeded · \d+ ms\n\s+→ {"tag":"vip"}/);
});

test('--json prints the execution as the API has it', async () => {
  const { exitCode, stdout } = await testFile('--json');
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    kind: 'test',
    eventId: null,
    eventType: 'conversation_closed',
    conversationPublicId: 'ABC123XYZ',
    handlerName: 'unsaved',
    result: { tidied: true },
    calls: [{ name: 'add_conversation_tag' }],
  });
});

test('a saved handler is tested by its name, with its own type of event; a file stands in for its code', async () => {
  const saved = await cli.run(['test', '--handler', 'saved', '--conversation', conversation.id, '--json']);
  expect(JSON.parse(saved.stdout)).toMatchObject({
    handlerName: 'saved',
    handlerVersion: 1,
    eventType: 'conversation_handed_off',
  });
  writeFileSync(join(cli.folder, 'edited.py'), 'def handle_event(context):\n    return 2\n');
  const edited = await cli.run(['test', 'edited.py', '--handler', 'saved', ...onClosed, '--json']);
  expect(JSON.parse(edited.stdout)).toMatchObject({
    handlerName: 'saved',
    handlerVersion: null,
    eventType: 'conversation_closed',
  });
});

test.each([
  [{ status: 'failed', reason: 'raised', error: { type: 'KeyError', message: "'vip'", traceback: '' } }, 'raised'],
  [{ status: 'timed_out' }, 'timed_out'],
] as const)('exit code 1 for one that did not succeed: %j', async (script, why) => {
  cli.workers.play = playing({ unsaved: script });
  const ran = await testFile();
  expect(ran.exitCode).toBe(1);
  expect(ran.stdout).toContain(`status        ${script.status}`);
  expect(ran.stderr).toContain(`The handler did not succeed: ${why}. (handler_failed)`);
});

test('waits for one that goes on after the server has answered', async () => {
  const release = Promise.withResolvers<undefined>();
  cli.workers.hurried = true;
  cli.workers.play = playing({ unsaved: { ...succeeding, pause: release.promise } });
  const running = testFile('--timeout', '20', '--json');
  await expect
    .poll(async () => (await cli.run(['executions', '--kind', 'test', '--status', 'running'])).stdout)
    .toMatch(/running/);
  release.resolve(undefined);
  const ran = await running;
  cli.workers.hurried = false;
  expect(ran).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'succeeded', result: { tidied: true } });
});

test('says so when the time is up, and where to look then', async () => {
  cli.workers.play = () => Promise.resolve();
  const ran = await testFile('--timeout', '0');
  expect(ran.exitCode).toBe(1);
  expect(ran.stdout).toContain('status        waiting');
  expect(ran.stderr).toMatch(/After 0 s execution [\da-f-]{36} had not ended: waiting\. \(wait_timed_out\)/);
});

test('executions leaves test runs out; --kind test shows them', async () => {
  const { stdout } = await testFile('--json');
  const { id } = JSON.parse(stdout) as { id: string };
  expect((await cli.run(['executions'])).stdout).not.toContain(id);
  expect((await cli.run(['executions', '--kind', 'test'])).stdout).toMatch(
    new RegExp(`^unsaved\\s+–\\s+succeeded.*${id}$`, 'm'),
  );
});

test('an unknown conversation or handler is the server’s clear error', async () => {
  const nobody = await cli.run(['test', 'tidy.py', '--conversation', 'NOBODY', '--event', 'conversation_closed']);
  expect(nobody).toMatchObject({ exitCode: 1, stdout: '' });
  expect(nobody.stderr).toContain('There is no conversation "NOBODY". (conversation_not_found)');
  const handler = await cli.run(['test', '--handler', 'nobody', '--conversation', 'ABC123XYZ']);
  expect(handler.stderr).toContain('(handler_not_found)');
});

test('what is wrong with the command line or the file is told before anything is sent', async () => {
  writeFileSync(join(cli.folder, 'large.py'), '#'.repeat(limits.handlerCodeBytes + 1));
  writeFileSync(join(cli.folder, 'most.py'), '#'.repeat(limits.handlerCodeBytes));
  writeFileSync(join(cli.folder, 'notes.txt'), 'x');
  const cases: [string[], string][] = [
    [['tidy.py', '--event', 'conversation_closed'], "required option '--conversation <id>' not specified"],
    [['tidy.py', '--conversation', 'C-1'], 'Say which event by --event'],
    [['--conversation', 'C-1'], 'Name a file with code, or a --handler.'],
    [['tidy.py', '--conversation', 'C-1', '--event', 'closed'], 'Allowed choices are conversation_closed'],
    [['nothing.py', ...onClosed], 'nothing.py cannot be used: there is no such file. (invalid_file)'],
    [['notes.txt', ...onClosed], 'a handler’s file ends in .py'],
    [['large.py', ...onClosed], 'it is too large'],
  ];
  for (const [args, message] of cases) {
    const ran = await cli.run(['test', ...args]);
    expect(ran, args.join(' ')).toMatchObject({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toContain(message);
  }
  expect(await cli.run(['test', 'most.py', ...onClosed])).toMatchObject({ exitCode: 0 });
});
