import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAnalyticsDelivery } from '../../src/activities/deliver-analytics.ts';
import { createTestSink } from '../../src/activities/test-sink.ts';
import { DeadLetter } from '../../src/contract/dead-letter.ts';
import { Sink, SinkCredentials, SinkTest } from '../../src/contract/sink.ts';
import { deliveryPolicy } from '../../src/domain/delivery-policy.ts';
import { createHttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import { enabledSinkIds, getStoredSink } from '../../src/store/sinks.ts';
import { testCa } from '../setup/datalake-receiver.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { testKeys } from '../setup/keys.ts';
import { aPayload, registerEvents } from '../setup/registered-events.ts';
import { startWebhookReceiver, type WebhookReceiver } from '../setup/webhook-receiver.ts';
import { createCliUnderTest, type CliUnderTest } from './cli-under-test.ts';

const policy = { ...deliveryPolicy, redeliveryEveryMs: 0, firstRestMs: 0, longestRestMs: 0 };
const open = gatewayToStandIns();
const closed = createHttpGateway({ openNetworks: [], origins: new Map() });
const secret = () => `whsec_${randomBytes(32).toString('base64')}`;

let cli: CliUnderTest;
let receiver: WebhookReceiver;
let gateway = open;
beforeAll(async () => {
  cli = await createCliUnderTest({ testSink: (sink) => createTestSink({ gateway, keys: testKeys })(sink) });
  receiver = await startWebhookReceiver();
});
afterAll(async () => {
  await Promise.all([cli.close(), receiver.close(), open.close(), closed.close()]);
});
afterEach(async () => {
  gateway = open;
  receiver.answer(204);
  for (const { name } of await list()) await cli.run(['sinks', 'rm', name]);
});

const run = (args: string, stdin = '') => cli.run(['sinks', ...args.split(' ')], { stdin });
const json = async (args: string) => JSON.parse((await run(`${args} --json`)).stdout) as unknown;
const list = async () => z.object({ items: z.array(Sink) }).parse(await json('list')).items;
const show = async (name: string) => Sink.parse(await json(`show ${name}`));

function file(name: string, content: unknown): string {
  writeFileSync(join(cli.folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

async function credentialsOf(name: string): Promise<SinkCredentials> {
  const { id } = await show(name);
  const { sealed } = await getStoredSink(cli.store.db, 'parcels', id);
  return SinkCredentials.parse(JSON.parse(testKeys.open(sealed ?? '', ['sink', 'parcels', id])));
}

describe('sinks', () => {
  test('a webhook is set up with a secret from standard input, listed, shown, changed and deleted', async () => {
    expect((await run('list')).stdout).toBe('No sinks yet. `afterword sinks set NAME` sets one up.\n');
    const key = secret();
    const set = await run('set hook --webhook https://example.com/in', `${key}\n`);
    expect(set).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('hook is set up.\n') });
    expect(set.stderr).toContain('`afterword sinks test` sends it one event.');
    expect(await credentialsOf('hook')).toMatchObject({ secrets: [key] });

    expect((await run('list')).stdout).toMatch(
      /^NAME\s+KIND\s+TO\s+STATE\s+WAITING\s+DEAD\s+ID\nhook\s+webhook\s+https:\/\/example\.com\/in\s+on\s+0\s+0\s+\S{36}\n$/,
    );
    const { id } = await show('hook');
    expect((await run(`show ${id}`)).stdout).toMatch(
      /^hook\n {2}id {9}\S{36}\n {2}kind {7}webhook\n[^]*secrets {4}1, not shown/,
    );
    expect(set.stdout + (await run('show hook')).stdout).not.toContain(key);

    const both = [secret(), key];
    const changed = await run(
      `set hook --secret --from-file ${file('both.txt', `${both.join('\n')}\n`)} --rename post`,
    );
    expect(changed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('post is changed.\n') });
    expect(await credentialsOf('post')).toMatchObject({ secrets: both });
    await run('set post --webhook https://example.com/other');
    expect(await show('post')).toMatchObject({ id, url: 'https://example.com/other', secrets: 2 });

    expect(await run('rm post')).toEqual({ exitCode: 0, stdout: 'post is deleted.\n', stderr: '' });
    expect(await list()).toEqual([]);
  });

  test('a datalake is set up by options, its entry from a file; switched off and on', async () => {
    const options = `--datalake lake.example.com:443 --deadline 100 --ca-certificate ${file('ca.pem', testCa)}`;
    const token = file('token', 'Bearer of-the-lake\n');
    const set = await run(`set lake ${options} --metadata authorization --from-file ${token}`);
    expect(set).toMatchObject({ exitCode: 0 });
    expect(set.stdout).not.toContain('of-the-lake');
    expect(await show('lake')).toMatchObject({ tls: true, deadlineMs: 100, caCertificate: testCa, enabled: true });
    expect(await credentialsOf('lake')).toMatchObject({ metadata: { authorization: 'Bearer of-the-lake' } });

    expect((await run('set lake --no-tls --ca-certificate none')).exitCode).toBe(0);
    expect(await show('lake')).toMatchObject({ tls: false, caCertificate: null, metadata: ['authorization'] });
    expect((await run('set lake --metadata authorization', 'Bearer new')).exitCode).toBe(0);
    const lost = await run('set lake --metadata tenant', 'x');
    expect(lost).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('other entries (authorization)') });
    expect(await credentialsOf('lake')).toMatchObject({ metadata: { authorization: 'Bearer new' } });

    expect(await run('off lake')).toMatchObject({ exitCode: 0, stdout: 'lake is off.\n' });
    expect((await run('list')).stdout).toMatch(/lake\.example\.com:443\s+off\s/);
    expect(await run('on lake')).toMatchObject({ exitCode: 0, stdout: 'lake is on.\n' });
  });

  test('settings come from a file, what is secret too; options go before it', async () => {
    const settings = { kind: 'webhook', url: 'https://example.com/in?token=t', secrets: [secret()], enabled: false };
    expect((await run(`set hook --settings ${file('hook.json', settings)}`)).exitCode).toBe(0);
    expect(await show('hook')).toMatchObject({ url: 'https://example.com/in', enabled: false, secrets: 1 });
    expect(await credentialsOf('hook')).toMatchObject({ query: '?token=t' });
    const again = await run(`set hook --settings hook.json --webhook https://example.org/in`);
    expect(again.exitCode).toBe(0);
    expect(await show('hook')).toMatchObject({ url: 'https://example.org/in' });
    const lake = file('lake.json', { kind: 'datalake', address: 'example.com:1', metadata: { a: 'b' } });
    expect(await run(`set hook --settings ${lake}`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('hook is a webhook, and a sink keeps its kind. (invalid_usage)'),
    });
    expect((await run(`set lake --settings ${lake} --metadata c`, 'd')).exitCode).toBe(0);
    expect(await credentialsOf('lake')).toMatchObject({ metadata: { a: 'b', c: 'd' } });
  });

  const planted = 'planted-and-not-repeated';
  test.each<[string, string, string, number, RegExp]>([
    ['nothing', 'set hook', '', 2, /Nothing to set: name an option/],
    ['no kind', 'set hook --secret', secret(), 2, /no sink "hook" to be changed; a new one needs --webhook/],
    ['no secret', 'set hook --webhook https://example.com', '', 2, /standard input is empty/],
    ['a secret that is none', 'set hook --webhook https://example.com', planted, 1, /secrets\.0: .*whsec_.*base64/],
    ['a bad URL', 'set hook --webhook example.com', secret(), 1, /url: must be an absolute http or https URL/],
    ['a secret in a URL', `set hook --webhook https://example.com/?t=${planted}`, '', 2, /never an argument/],
    ['a password in a URL', `set hook --webhook https://u:${planted}@example.com/`, '', 2, /never an argument/],
    ['a bad address', 'set lake --datalake example.com', '', 1, /address: expected a host and a port/],
    ['a deadline of words', 'set lake --datalake example.com:1 --deadline soon', '', 2, /whole number/],
    ['a deadline that is too long', 'set lake --datalake example.com:1 --deadline 10001', '', 1, /deadlineMs: /],
    ['a secret of a datalake', 'set lake --datalake example.com:1 --secret', planted, 2, /--secret is of a webhook/],
    [
      'an entry of a webhook',
      'set hook --webhook https://example.com --metadata a',
      planted,
      2,
      /--metadata is of a datalake/,
    ],
    ['both', 'set hook --secret --metadata a', planted, 2, /one of them/],
    [
      'a file for nothing',
      'set lake --datalake example.com:1 --from-file token',
      '',
      2,
      /say which, by --metadata NAME/,
    ],
    [
      'a file that is missing',
      'set hook --settings none.json',
      '',
      2,
      /none\.json cannot be read: there is no such file/,
    ],
    ['a file that is no JSON', 'set hook --settings broken.json', '', 2, /broken\.json is not JSON: line 1/],
    ['a file that is no object', 'set hook --settings list.json', '', 2, /list\.json should hold an object/],
    ['a file of another sink', 'set hook --settings other.json', '', 2, /other\.json is of another sink/],
    ['a field that is none', 'set lake --settings field.json', '', 1, /secert/],
    ['a new name for nobody', 'set hook --webhook https://example.com --rename x', '', 1, /no sink "hook"/],
    ['an id that is none', `set ${crypto.randomUUID()} --webhook https://example.com`, '', 1, /There is no sink/],
    [
      'a sink that is unknown',
      'show nobody',
      '',
      1,
      /no sink "nobody"\. The organisation has none yet\. \(sink_not_found\)/,
    ],
    ['a test of nobody', 'test nobody', '', 1, /sink_not_found[^]*Run `afterword sinks list`/],
    ['letters of nobody', 'dead-letters list --sink nobody', '', 1, /sink_not_found/],
    ['letters of an unknown id', `dead-letters list --sink ${crypto.randomUUID()}`, '', 1, /sink_not_found/],
    ['no letters', 'dead-letters resend', '', 2, /Name dead letters by their ids, or --sink SINK, or --all/],
    ['letters twice', 'dead-letters resend --all --sink hook', '', 2, /one of them/],
    ['a letter that is none', 'dead-letters resend x', '', 1, /ids\.0: expected the id of a dead letter/],
    ['a cursor that is none', 'dead-letters list --before x', '', 1, /before: expected the cursor of a list/],
  ])('refuse %s', async (_what, args, stdin, exitCode, message) => {
    file('token', planted);
    file('broken.json', `{"secrets": ["${planted}" "x"]}`);
    file('list.json', [planted]);
    file('other.json', { name: 'another', url: 'https://example.com' });
    file('field.json', { address: 'example.com:1', secert: planted });
    const ran = await run(args, stdin);
    expect(ran.stderr).toMatch(message);
    expect(ran.exitCode).toBe(exitCode);
    expect(ran.stderr).not.toContain(planted);
    expect(ran.stdout).toBe('');
    expect(await list()).toEqual([]);
  });

  test('a test says what came of it', async () => {
    const key = secret();
    await run(`set hook --webhook ${receiver.url}/in`, key);
    const before = receiver.requests.length;
    expect(await run('test hook')).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(/^hook took the test event \S{36} in \d+ ms\.\n$/),
      stderr: '',
    });
    const sent = receiver.requests[before];
    expect(new Webhook(key).verify(sent?.body ?? '', sent?.headers ?? {})).toMatchObject({
      type: 'analytics_event.test',
    });
    receiver.answer(500);
    const failed = await run('test hook --json');
    expect(failed.exitCode).toBe(1);
    expect(SinkTest.parse(JSON.parse(failed.stdout))).toMatchObject({ error: 'The webhook answered 500' });
    expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'sink_test_failed' } });
  });

  test('a test at a private address says who can open it', async () => {
    await run(`set hook --webhook ${receiver.url}/in`, secret());
    gateway = closed;
    const before = receiver.requests.length;
    const refused = await run('test hook');
    expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /hook did not take the test event: .*private or local address.* \(sink_test_failed\)[^]*AFTERWORD_EGRESS_PRIVATE/,
    );
    expect(receiver.requests).toHaveLength(before);
  });
});

describe('dead letters', () => {
  async function register(...keys: string[]): Promise<void> {
    const { db } = cli.store;
    const payloads = keys.map((key) => aPayload({ key }));
    await registerEvents(db, 'parcels', payloads, await enabledSinkIds(db, 'parcels'));
  }
  async function deliver(): Promise<void> {
    const delivery = createAnalyticsDelivery({ store: cli.store, sinks: [], policy, gateway, keys: testKeys });
    await new MockActivityEnvironment().run(delivery.redeliverAnalytics);
  }
  const letters = async (of: string) =>
    z
      .object({ items: z.array(DeadLetter), next: z.string().nullable() })
      .parse(await json(`dead-letters list --sink ${of}`)).items;

  test('are listed and sent again: one, those of a sink, all', async () => {
    await run(`set hook --webhook ${receiver.url}/in`, secret());
    receiver.answer(422);
    await register('a', 'b', 'c', 'd');
    await deliver();
    const table = (await run('dead-letters list --sink hook')).stdout;
    expect(table).toMatch(
      /^SINK\s+KEY\s+SINCE\s+TRIES\s+ERROR\s+ID\nhook\s+d\s+\S+ \S+\s+1\s+The webhook answered 422\s+\S{73}\n/,
    );
    const [d, c] = await letters('hook');
    const page = (await run('dead-letters list --limit 1')).stdout;
    expect(page).toContain(`\n\nOlder ones: --before ${String(d?.id)}\n`);
    expect((await run(`dead-letters list --limit 1 --before ${String(d?.id)}`)).stdout).toContain(String(c?.id));

    receiver.answer(204);
    const one = await run(`dead-letters resend ${String(d?.id)}`);
    expect(one).toEqual({ exitCode: 0, stdout: '1 dead letter to be sent again.\n', stderr: '' });
    expect((await letters('hook')).map(({ event }) => event.key)).toEqual(['c', 'b', 'a']);
    const again = await run(`dead-letters resend ${String(d?.id)} ${String(c?.id)}`);
    expect(again).toMatchObject({ exitCode: 1, stdout: '1 dead letter to be sent again.\n' });
    expect(again.stderr).toContain('1 of the ids is no dead letter any more');
    expect((await run('dead-letters resend --sink hook --json')).stdout).toBe('{\n  "resent": 2\n}\n');
    expect(await run('dead-letters resend --all')).toMatchObject({
      exitCode: 0,
      stdout: 'No dead letters to send again.\n',
    });
    expect((await run('off hook')).stdout).toBe('hook is off; 4 events wait for it.\n');
    await run('on hook');
    await deliver();
    expect(await show('hook')).toMatchObject({ pending: 0, dead: 0 });
  });

  test('of a deleted sink are read by its id, and not sent again', async () => {
    await run(`set hook --webhook ${receiver.url}/in`, secret());
    const { id } = await show('hook');
    await register('waits');
    expect((await run('rm hook')).stdout).toBe('hook is deleted; 1 event that waited for it: given up.\n');
    expect((await run(`dead-letters list --sink ${id}`)).stdout).toMatch(/hook \(deleted\)\s+waits\s/);
    const [letter] = await letters(id);
    expect(await run(`dead-letters resend ${String(letter?.id)}`)).toMatchObject({ exitCode: 1 });
    expect((await run('dead-letters resend --all')).exitCode).toBe(0);
  });
});
