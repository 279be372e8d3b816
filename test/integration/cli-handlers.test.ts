import { mkdirSync, mkdtempSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import { createCliUnderTest } from './cli-under-test.ts';
import type { CliUnderTest } from './cli-under-test.ts';

let cli: CliUnderTest;
beforeAll(async () => {
  cli = await createCliUnderTest();
});
afterAll(() => cli.close());

const code = 'def handle_event(context):\n    return 1\n';
const yaml = `# the shop's handlers
handlers:
  - name: crm-sync
    event: conversation_closed
    file: crm_sync.py # by hand
    attempts: 5
  - name: notify
    event: conversation_handed_off
    file: sub/notify.py
    enabled: false
`;

function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(cli.folder, 'handlers-'));
  mkdirSync(join(path, 'sub'));
  for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
  return path;
}

const shop = () => folder({ 'handlers.yaml': yaml, 'crm_sync.py': code, 'sub/notify.py': code });

describe('handlers', () => {
  test('push creates, then changes nothing, then makes a new version with its note', async () => {
    const dir = shop();
    expect((await cli.run(['handlers', 'push', dir])).stdout).toBe('crm-sync: created\nnotify: created (off)\n');
    expect((await cli.run(['handlers', 'push', dir])).stdout).toBe('crm-sync: unchanged\nnotify: unchanged (off)\n');
    writeFileSync(join(dir, 'crm_sync.py'), code.replace('1', '2'));
    const third = await cli.run(['handlers', 'push', dir, '--note', 'answers two']);
    expect(third.stdout).toBe('crm-sync: new version 2\nnotify: unchanged (off)\n');
    const versions = await cli.run(['handlers', 'versions', 'crm-sync']);
    expect(versions.stdout).toMatch(/^2\s+current.*\s5\s+2\s+answers two$/m);
  });

  test('pull writes a folder that pushes back unchanged; with comments and entries of the folder kept', async () => {
    const fresh = join(cli.folder, 'fresh');
    expect((await cli.run(['handlers', 'pull', fresh])).stdout).toBe(
      'crm-sync: created (crm-sync.py)\nnotify: created (notify.py)\n',
    );
    expect((await cli.run(['handlers', 'push', fresh])).stdout).toBe('crm-sync: unchanged\nnotify: unchanged (off)\n');
    expect((await cli.run(['handlers', 'pull', fresh])).stdout).toContain('crm-sync: unchanged');
    expect(readdirSync(fresh).sort()).toEqual(['crm-sync.py', 'handlers.yaml', 'notify.py']);

    const stale = shop();
    expect((await cli.run(['handlers', 'pull', stale])).stdout).toContain('crm-sync: updated (crm_sync.py)');
    expect(readFileSync(join(stale, 'crm_sync.py'), 'utf8')).toContain('return 2');
    expect(readFileSync(join(stale, 'handlers.yaml'), 'utf8')).toBe(yaml);
  });

  test('pull never overwrites edits that no version has, unless forced; it writes all or nothing', async () => {
    const dir = folder({
      'handlers.yaml': yaml.replace('attempts: 5', 'attempts: 9'),
      'crm_sync.py': 'edited = True\n',
      'sub/notify.py': code,
    });
    const refused = await cli.run(['handlers', 'pull', dir]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain('(local_changes)');
    expect(refused.stderr).toContain('crm_sync.py: its text is that of no version on the server');
    expect(refused.stderr).toContain('handlers.yaml, crm-sync: attempts is 5 on the server');
    expect(readFileSync(join(dir, 'crm_sync.py'), 'utf8')).toBe('edited = True\n');
    expect(await cli.run(['handlers', 'pull', dir, '--force'])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(dir, 'handlers.yaml'), 'utf8')).toBe(yaml);
    expect((await cli.run(['handlers', 'push', dir])).stdout).toContain('crm-sync: unchanged');
  });

  test('a tool’s settings are pushed, pulled and never overwritten unless forced', async () => {
    const entry = `handlers:
  - name: order-tool
    event: conversation_closed
    file: order_tool.py
    tool: B
    globals:
      currency: EUR
`;
    const source = 'from weni import Tool\nclass A(Tool): pass\nclass B(Tool): pass\n';
    const dir = folder({ 'handlers.yaml': entry, 'order_tool.py': source });
    expect((await cli.run(['handlers', 'push', dir])).stdout).toContain('order-tool: created');
    expect((await cli.run(['handlers', 'push', dir])).stdout).toContain('order-tool: unchanged');

    const fresh = join(cli.folder, 'fresh-tool');
    await cli.run(['handlers', 'pull', fresh]);
    expect(readFileSync(join(fresh, 'handlers.yaml'), 'utf8')).toMatch(/tool: B\n\s+globals:\n\s+currency: EUR/);
    expect((await cli.run(['handlers', 'push', fresh])).stdout).toContain('order-tool: unchanged');

    writeFileSync(
      join(dir, 'handlers.yaml'),
      `${entry.replace('tool: B', 'tool: A')}    constants: { tone: formal }\n`,
    );
    const refused = await cli.run(['handlers', 'pull', dir]);
    expect(refused.stderr).toContain('handlers.yaml, order-tool: tool is "B" on the server');
    expect(refused.stderr).toContain('handlers.yaml, order-tool: constants is not set on the server');
    expect(await cli.run(['handlers', 'pull', dir, '--force'])).toMatchObject({ exitCode: 0 });
    expect((await cli.run(['handlers', 'push', dir])).stdout).toContain('order-tool: unchanged');
    expect(readFileSync(join(dir, 'handlers.yaml'), 'utf8')).toContain(entry.trimEnd());

    writeFileSync(join(dir, 'handlers.yaml'), entry.replace('tool: B', 'tool: not-a-class'));
    expect((await cli.run(['handlers', 'push', dir])).stderr).toMatch(/line 5: tool: .*the name of a Python class/);
  });

  test('pull gives a handler a file of its own where its name’s is taken', async () => {
    const dir = folder({
      'handlers.yaml': 'handlers:\n  - {name: mine, event: conversation_closed, file: notify.py}\n',
      'notify.py': 'mine = True\n',
    });
    expect((await cli.run(['handlers', 'pull', dir])).stdout).toContain('notify: created (notify-2.py)');
    expect(readFileSync(join(dir, 'notify.py'), 'utf8')).toBe('mine = True\n');
  });

  test('pull never writes through a link that leaves the folder, forced or not', async () => {
    const outside = folder({});
    const dir = folder({ 'handlers.yaml': yaml.replace('crm_sync.py', 'link/crm_sync.py'), 'sub/notify.py': code });
    symlinkSync(outside, join(dir, 'link'));
    const ran = await cli.run(['handlers', 'pull', dir, '--force']);
    expect(ran.stderr).toContain('lies outside the folder');
    expect(ran.exitCode).toBe(2);
    expect(readdirSync(outside)).toEqual(['sub']);
  });

  test('enable, disable, list and rollback', async () => {
    expect((await cli.run(['handlers', 'enable', 'notify'])).stdout).toBe('notify is on.\n');
    expect((await cli.run(['handlers', 'disable', 'notify'])).stdout).toBe('notify is off.\n');
    expect((await cli.run(['handlers', 'rollback', 'crm-sync', '1'])).stdout).toBe(
      'crm-sync: new events run version 1.\n',
    );
    const list = await cli.run(['handlers', 'list']);
    expect(list.stdout).toMatch(/^crm-sync\s+conversation_closed\s+python\s+on\s+1\s/m);
    expect(list.stdout).toMatch(/^notify\s+conversation_handed_off\s+python\s+off\s+1\s/m);
    expect(JSON.parse((await cli.run(['--json', 'handlers', 'list'])).stdout)).toMatchObject({
      items: [{ name: 'crm-sync' }, { name: 'notify' }, { name: 'order-tool' }],
    });
  });

  test('a delay and what cancels it are pushed and pulled', async () => {
    const folder = join(cli.folder, 'later');
    const entry = `  - name: later
    event: conversation_closed
    file: later.py
    delaySeconds: 600
    cancelOn: [conversation_reopened]
`;
    mkdirSync(folder);
    writeFileSync(join(folder, 'handlers.yaml'), `handlers:\n${entry}`);
    writeFileSync(join(folder, 'later.py'), 'def handle_event(context):\n    return 1\n');
    expect(await cli.run(['handlers', 'push', folder])).toMatchObject({ exitCode: 0, stdout: 'later: created\n' });
    expect((await cli.run(['handlers', 'push', folder])).stdout).toBe('later: unchanged\n');
    writeFileSync(join(folder, 'handlers.yaml'), `handlers:\n${entry.replace('600', '0')}`);
    expect((await cli.run(['handlers', 'push', folder])).stdout).toBe('later: new version 2\n');
    const fresh = join(cli.folder, 'later-pulled');
    await cli.run(['handlers', 'pull', fresh]);
    expect(readFileSync(join(fresh, 'handlers.yaml'), 'utf8')).toMatch(
      /name: later\n(?: {4}.*\n)* {4}delaySeconds: 0\n {4}cancelOn:\n {6}- conversation_reopened\n/,
    );
    expect((await cli.run(['handlers', 'push', fresh])).stdout).toContain('later: unchanged');
    await cli.run(['handlers', 'disable', 'later']);
  });

  test('a handler’s own rules and limits are pushed, pulled and never overwritten unless forced', async () => {
    const entry = `handlers:
  - name: narrow
    event: conversation_closed
    file: narrow.py
    egress:
      allow: [api.example.com]
    limits:
      seconds: 10
`;
    const dir = folder({ 'handlers.yaml': entry, 'narrow.py': code });
    expect((await cli.run(['handlers', 'push', dir])).stdout).toBe('narrow: created\n');
    expect((await cli.run(['handlers', 'push', dir])).stdout).toBe('narrow: unchanged\n');
    writeFileSync(join(dir, 'handlers.yaml'), entry.replace('seconds: 10', 'seconds: 20'));
    expect((await cli.run(['handlers', 'pull', dir])).stderr).toContain(
      'handlers.yaml, narrow: limits is {"seconds":10} on the server',
    );
    expect((await cli.run(['handlers', 'push', dir])).stdout).toBe('narrow: new version 2\n');
    const fresh = join(cli.folder, 'narrow-pulled');
    await cli.run(['handlers', 'pull', fresh]);
    expect(readFileSync(join(fresh, 'handlers.yaml'), 'utf8')).toMatch(
      /name: narrow\n(?: {4}.*\n)* {4}egress:\n {6}allow:\n {8}- api\.example\.com\n {4}limits:\n {6}seconds: 20\n/,
    );
    expect((await cli.run(['handlers', 'push', fresh])).stdout).toContain('narrow: unchanged');
    await cli.run(['handlers', 'disable', 'narrow']);
  });

  test('an unknown handler or version is an error that says where to look', async () => {
    const ran = await cli.run(['handlers', 'enable', 'nobody']);
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toMatch(/nobody.*\(handler_not_found\)\n {2}→ Run `afterword handlers list`/);
    expect((await cli.run(['handlers', 'rollback', 'crm-sync', '77'])).stderr).toContain('(version_not_found)');
    expect((await cli.run(['handlers', 'rollback', 'crm-sync', 'newest'])).exitCode).toBe(2);
  });
});

describe('push of a folder with a fault names file, line and what to do, and sends nothing', () => {
  const entry = (lines: string) =>
    `handlers:\n  - name: first\n    event: conversation_closed\n    file: ok.py\n${lines}`;
  const cases: [string, Record<string, string>, RegExp][] = [
    ['no handlers.yaml', {}, /handlers\.yaml is not there/],
    [
      'broken YAML',
      { 'handlers.yaml': 'handlers:\n  - name: "x\n' },
      /handlers\.yaml, line \d+, column \d+: this is not YAML/,
    ],
    ['a list at the top', { 'handlers.yaml': '- name: x\n' }, /line 1: expected a list under the key "handlers"/],
    ['an empty file', { 'handlers.yaml': '' }, /expected a list under the key "handlers"/],
    [
      'an unknown key',
      { 'handlers.yaml': entry('    atempts: 3\n') },
      /line 5: unknown key "atempts"; known: name, event, file, enabled, attempts, delaySeconds, cancelOn, tool, globals, constants, secrets, egress, limits/,
    ],
    [
      'an unknown event',
      { 'handlers.yaml': entry('').replace('_closed', '_ended') },
      /line 3: event: expected one of conversation_closed/,
    ],
    [
      'a missing key',
      { 'handlers.yaml': 'handlers:\n  - name: first\n    event: conversation_closed\n' },
      /line 2: "file" is missing/,
    ],
    ['a bad name', { 'handlers.yaml': entry('').replace('first', 'First One') }, /line 2: name: .*lower-case letters/],
    ['too many attempts', { 'handlers.yaml': entry('    attempts: 11\n') }, /line 5: attempts: at most 10/],
    ['a negative delay', { 'handlers.yaml': entry('    delaySeconds: -1\n') }, /line 5: delaySeconds: at least 0/],
    [
      'a delay of eight days',
      { 'handlers.yaml': entry('    delaySeconds: 691200\n') },
      /line 5: delaySeconds: at most 604800 \(7 days\)/,
    ],
    [
      'half a second of delay',
      { 'handlers.yaml': entry('    delaySeconds: 0.5\n') },
      /line 5: delaySeconds: expected a whole number of seconds/,
    ],
    [
      'cancelOn of its own type',
      { 'handlers.yaml': entry('    cancelOn: [conversation_closed]\n') },
      /line 5: cancelOn: names conversation_closed, the handler’s own type/,
    ],
    [
      'cancelOn of an unknown type',
      { 'handlers.yaml': entry('    cancelOn: [conversation_lost]\n') },
      /line 5: .*expected one of conversation_closed/,
    ],
    [
      'cancelOn of one type twice',
      { 'handlers.yaml': entry('    cancelOn: [conversation_reopened, conversation_reopened]\n') },
      /line 5: cancelOn: names a type twice/,
    ],
    [
      'a word for a number',
      { 'handlers.yaml': entry('    attempts: many\n') },
      /line 5: attempts: expected a whole number/,
    ],
    [
      'a limit above that of every handler',
      { 'handlers.yaml': entry('    limits:\n      seconds: 61\n') },
      /line 6: seconds: at most 60, which is the limit of every handler/,
    ],
    [
      'an unknown limit',
      { 'handlers.yaml': entry('    limits: { second: 5 }\n') },
      /line 5: unknown key "second"; known: seconds, cpuSeconds, memoryMb, outputBytes, resultBytes, calls, requests, requestsAtOnce/,
    ],
    [
      'a URL for a host',
      { 'handlers.yaml': entry('    egress:\n      allow:\n        - api.example.com\n        - https://b.example\n') },
      /line 8: "https:\/\/b\.example" is a URL: name its host alone/,
    ],
    [
      'an unknown list',
      { 'handlers.yaml': entry('    egress: { allowed: [] }\n') },
      /line 5: unknown key "allowed"; known: allow, deny/,
    ],
    [
      'a word for on or off',
      { 'handlers.yaml': entry('    enabled: sometimes\n') },
      /line 5: enabled: expected true or false/,
    ],
    [
      'a name used twice',
      { 'handlers.yaml': entry('  - {name: first, event: conversation_closed, file: ok.py}\n') },
      /line 5: the name "first" is used twice/,
    ],
    [
      'a missing file',
      { 'handlers.yaml': entry('').replace('ok.py', 'gone.py') },
      /line 4: gone\.py: there is no such file/,
    ],
    [
      'a file outside',
      { 'handlers.yaml': entry('').replace('ok.py', '../ok.py') },
      /line 4: \.\.\/ok\.py: it lies outside the folder/,
    ],
    [
      'another language',
      { 'handlers.yaml': entry('').replace('ok.py', 'ok.rb'), 'ok.rb': 'puts 1' },
      /ok\.rb: a handler’s file ends in \.py/,
    ],
    ['an empty handler', { 'handlers.yaml': entry(''), 'ok.py': '\n' }, /ok\.py: it is empty/],
    [
      'a handler too large',
      { 'handlers.yaml': entry(''), 'ok.py': '#'.repeat(limits.handlerCodeBytes + 1) },
      /ok\.py: it is too large: 257 KB/,
    ],
  ];
  test.each(cases)('%s', async (_name, files, message) => {
    const dir = folder({ 'ok.py': code, ...files });
    const before = await cli.run(['handlers', 'list', '--json']);
    const ran = await cli.run(['handlers', 'push', dir]);
    expect(ran.stderr).toMatch(message);
    expect(ran).toMatchObject({ exitCode: 2, stdout: '' });
    expect((await cli.run(['handlers', 'list', '--json'])).stdout).toBe(before.stdout);
  });

  test('all faults at once, as JSON too', async () => {
    const dir = folder({ 'handlers.yaml': entry('    enabled: 7\n    colour: red\n') });
    const ran = await cli.run(['handlers', 'push', dir, '--json']);
    expect(JSON.parse(ran.stderr)).toMatchObject({
      error: { code: 'invalid_file', fields: [{ field: 'handlers.yaml, line 5' }, { field: 'handlers.yaml, line 6' }] },
    });
  });

  test('a handler of exactly 256 KB is pushed', async () => {
    const ok = 'def handle_event(context): pass\n';
    const dir = folder({ 'handlers.yaml': entry(''), 'ok.py': ok.padEnd(limits.handlerCodeBytes, '#') });
    expect(await cli.run(['handlers', 'push', dir])).toMatchObject({ exitCode: 0, stdout: 'first: created\n' });
  });
});

describe('drafts', () => {
  test('are saved, compared and deployed; a handler is deleted', async () => {
    const dir = folder({ 'd.py': code });
    const run = (...args: string[]) => cli.run(['handlers', ...args]);
    const file = join(dir, 'd.py');
    expect(await run('draft', 'drafted', file)).toMatchObject({ exitCode: 1 });
    const first = await run('draft', 'drafted', file, '--event', 'conversation_closed');
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('deploy drafted') as string });
    expect((await run('deploy', 'drafted', '--note', 'one')).stdout).toBe('drafted: new events run version 1.\n');
    writeFileSync(file, code.replace('1', '2'));
    await run('draft', 'drafted', file);
    const diff = await run('diff', 'drafted');
    expect(diff.stdout).toContain('-    return 1\n+    return 2\n');
    expect(await run('deploy', 'drafted', '--expect', '3')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('handler_changed') as string,
    });
    expect((await run('deploy', 'drafted', '--expect', '1')).stdout).toBe('drafted: new events run version 2.\n');
    expect((await run('diff', 'drafted', '--from', '2', '--to', '2')).stdout).toBe('They are the same.\n');
    expect(await run('diff', 'drafted', '--to', 'newest')).toMatchObject({ exitCode: 2 });
    expect((await run('rm', 'drafted')).stdout).toMatch(/^drafted is deleted\. .*--handler [\da-f-]{36}\n$/);
    expect(await run('rm', 'drafted')).toMatchObject({ exitCode: 1 });
  });
});
