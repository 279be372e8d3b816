import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { SandboxError } from '../../src/sandbox/sandbox.ts';
import { createKeyring, noKeyring } from '../../src/secrets/keyring.ts';
import { deleteSecret } from '../../src/store/secrets.ts';
import { startApi, type TestApi } from '../setup/api.ts';
import { organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { handler, useHandlers, type HandlerOfTest } from './spine-system.ts';

let system: TestSystem;
let api: TestApi;
let upstream: Upstream;
let release: () => void = () => undefined;
beforeAll(async () => {
  upstream = await startUpstream(({ path, body }, response) => {
    if (path.endsWith('/gzip')) {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(body));
      return;
    }
    if (path.endsWith('/long')) {
      response.end(`${body.toString()}${'x'.repeat(200_000)}`);
      return;
    }
    if (path === '/slow') {
      release = () => response.end();
      return;
    }
    response.statusCode = path.endsWith('/away') ? 503 : 200;
    response.end(`${path} ${body.toString()}`);
  });
  system = await startSystem();
  api = await startApi(system);
});
afterAll(async () => {
  await api.stop();
  await system.stop();
  await upstream.close();
});

const token = 'tok/4711+a secret "token" ✓';
const other = 'the-other-one-815';
beforeEach(async () => {
  upstream.forget();
  await system.setSecret('TOKEN', token);
  await system.setSecret('OTHER', other);
});

async function run(code: string, more: Omit<HandlerOfTest, 'code'> = {}): Promise<ExecutionDetail> {
  const filled = code.replaceAll('URL', JSON.stringify(upstream.url));
  await useHandlers(system, { own: { secrets: ['TOKEN'], attempts: 2, ...more, code: filled } });
  const { own } = await system.run();
  if (own === undefined) throw new Error('nothing ran');
  return own;
}

const python = (body: string) => `import requests\n${handler(`secret = context["secrets"].get("TOKEN")\n${body}`)}`;
const failFirst = 'if context["args"]["attempt"] == 1: raise RuntimeError("once more")';
const notShown = (execution: unknown) => {
  const shown = JSON.stringify(execution);
  expect(shown).not.toMatch(/tok.{0,3}4711|other-one/);
  expect(shown).not.toContain(Buffer.from(token).toString('base64').slice(4, 16));
};

describe('a handler', () => {
  it('is given the secrets that its settings name, and no others', async () => {
    const names = handler(
      'return [sorted(context["secrets"]), sorted(len(value) for value in context["secrets"].values())]',
    );
    expect((await run(names)).result).toEqual([['TOKEN'], [token.length]]);
    expect((await run(names, { secrets: ['TOKEN', 'OTHER'] })).result).toEqual([
      ['OTHER', 'TOKEN'],
      [other.length, token.length],
    ]);
    expect((await run(names, { secrets: [] })).result).toEqual([[], []]);
  });

  it('in TypeScript too', async () => {
    const code = `export const handleEvent = (context: ClosedContext) => {
      console.log(context.secrets.TOKEN);
      console.error('b', btoa('x' + context.secrets.OTHER));
      return [Object.keys(context.secrets), context.secrets.OTHER === '${other}'];
    };`;
    const ran = await run(code, { language: 'typescript', secrets: ['TOKEN', 'OTHER'] });
    expect(ran).toMatchObject({ status: 'succeeded', stdout: '[secret TOKEN]\n' });
    expect(ran.stderr).toContain('[secret OTHER]');
    expect(ran.result).toEqual([['TOKEN', 'OTHER'], true]);
  });

  it('of which one is missing fails before it starts, is not tried again and is told its name', async () => {
    const ran = await run(handler('print("begun")'), { secrets: ['TOKEN', 'NEVER_SET'], attempts: 3 });
    expect(ran).toMatchObject({ status: 'failed', reason: 'secret_missing', attempts: 1, stdout: '', result: null });
    expect(ran.error).toMatchObject({ type: 'SecretMissing', message: expect.stringContaining('NEVER_SET') as string });
    expect(ran.error?.message).toContain('`afterword secrets set NEVER_SET`');
    expect(ran.error?.message).not.toContain('TOKEN,');
    await deleteSecret(system.store.db, organization, 'TOKEN');
    const both = await run(handler('print("begun")'), { secrets: ['TOKEN', 'NEVER_SET'] });
    expect(both.error?.message).toContain('TOKEN, NEVER_SET');
  });

  it('runs again once the secret is set, by a re-run', async () => {
    const ran = await run(python('return secret == "set-at-last"'), { secrets: ['TOKEN', 'AT_LAST'] });
    expect(ran).toMatchObject({ reason: 'secret_missing' });
    await system.setSecret('AT_LAST', 'a-value-at-last');
    const { body } = await api.request('POST', `/executions/${ran.id}/rerun`, {});
    const id = String((body as { executionId: unknown }).executionId);
    await expect
      .poll(async () => (await api.request('GET', `/executions/${id}`)).body, { timeout: 20_000 })
      .toMatchObject({ status: 'succeeded', result: false });
  });

  it('shows a secret nowhere, in whatever form and wherever its pieces end', async () => {
    const ran = await run(
      python(`
import base64, urllib.parse
for letter in secret: print(letter, end="")
print()
for n in range(4): print(base64.b64encode(b"x" * n + secret.encode()).decode())
print(base64.urlsafe_b64encode(secret.encode()).decode(), file=sys.stderr)
print(urllib.parse.quote(secret), urllib.parse.quote_plus(secret), json.dumps(secret), repr(secret), file=sys.stderr)
print("y" * 8190 + secret + "y" * 8190)
return {"result": ["a " + secret, {secret: 1}], "b": base64.b64encode(secret.encode()).decode()}`),
    );
    notShown(ran);
    expect(ran.stdout).toMatch(/^\[secret TOKEN\]\n\[secret TOKEN\]/);
    expect(ran.stdout).toContain(`${'y'.repeat(8_190)}[secret TOKEN]${'y'.repeat(8_190)}\n`);
    expect(ran.stderr.match(/\[secret TOKEN\]/g)).toHaveLength(5);
    expect(ran.result).toMatchObject({ result: ['a [secret TOKEN]', { '[secret TOKEN]': 1 }] });
  });

  it('shows it in no error and no traceback', async () => {
    const ran = await run(python('raise ValueError(f"bad token {secret}")'), { attempts: 1 });
    notShown(ran);
    expect(ran.error).toMatchObject({ type: 'ValueError', message: 'bad token [secret TOKEN]' });
    expect(ran.error?.traceback).toContain('ValueError: bad token [secret TOKEN]');
    expect(ran.stderr).toContain('[secret TOKEN]');
    expect(ran.attemptLog).toMatchObject([{ error: { message: 'bad token [secret TOKEN]' } }]);
  });

  it('registers no analytics event with it', async () => {
    const ran = await run(
      python(`register_event({"key": "k", "value_type": "string", "value": secret, "metadata": {"x": secret}})
register_event({"key": secret, "value_type": "string", "value": None})`),
    );
    notShown(ran);
    expect(ran.analyticsEvents).toMatchObject([
      { state: 'delivered', event: { value: '[secret TOKEN]' } },
      { state: 'rejected', registered: { key: '[secret TOKEN]' } },
    ]);
  });
});

describe('calls of a handler with secrets', () => {
  const everywhere = python(`
answers = [requests.post(URL + "/json?t=1", json={"token": secret})]
url = URL + "/" + requests.utils.quote(secret, safe="") + "/in?token=" + requests.utils.quote(secret)
answers += [requests.get(url), requests.post(URL + "/gzip", data=secret.encode()), requests.post(URL + "/long", data=secret.encode())]
texts = [answer.content.decode() for answer in answers]
${failFirst}
return [secret in text or requests.utils.quote(secret) in text or requests.utils.quote(secret, safe="") in text for text in texts] + [json.dumps({"token": secret}) in texts[0]]`);

  it('are sent with it, shown without it, and replayed as they were', async () => {
    const ran = await run(everywhere);
    expect(ran).toMatchObject({ status: 'succeeded', attempts: 2, result: [false, true, true, true, true] });
    expect(upstream.received).toHaveLength(4);
    expect(upstream.received[0]?.body.toString()).toContain('tok/4711');
    expect(ran.calls).toMatchObject([
      {
        name: `POST ${upstream.url}/json`,
        state: 'succeeded',
        drift: null,
        lastAttempt: 2,
        args: { body: '{"token": "[secret TOKEN]"}' },
      },
      {
        name: `GET ${upstream.url}/[secret TOKEN]/in`,
        args: { url: `${upstream.url}/[secret TOKEN]/in?token=[secret TOKEN]` },
      },
      { answer: { body: '[secret TOKEN]' } },
      { answer: { omittedBytes: expect.any(Number) as number } },
    ]);
    notShown(ran);
  });

  it('are known again after the secret was changed: effects are not repeated, reads are', async () => {
    const code = python(`
texts = [requests.post(URL + "/" + secret, json={"token": secret}).text, requests.get(URL + "/read?t=" + secret).text]
if context["args"]["attempt"] == 1: raise RuntimeError("once more")
return [secret in text for text in texts]`);
    const changed = 'tok-4711-later';
    await system.setSecret('TOKEN', 'tok-4711-first');
    await useHandlers(system, {
      own: { secrets: ['TOKEN'], attempts: 2, code: code.replaceAll('URL', JSON.stringify(upstream.url)) },
    });
    const change = expect
      .poll(() => upstream.received.length, { timeout: 20_000, interval: 5 })
      .toBeGreaterThanOrEqual(2)
      .then(() => system.setSecret('TOKEN', changed));
    const { own } = await system.run();
    await change;
    expect(own).toMatchObject({ status: 'succeeded', result: [false, true] });
    expect(upstream.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /tok-4711-first',
      'GET /read?t=tok-4711-first',
      `GET /read?t=${changed}`,
    ]);
    expect(own?.calls).toMatchObject([{ try: 1, drift: null }, { try: 1 }, { try: 2 }]);
    notShown(own);
  });

  it('keep their key when what stood in the URL becomes a secret', async () => {
    const inUrl = 'hook-0123456789';
    const send = (expression: string) =>
      python(`requests.post(URL + "/" + ${expression} + "/away").raise_for_status()`);
    const ran = await run(send(JSON.stringify(inUrl)), { secrets: [], attempts: 1 });
    expect(ran).toMatchObject({ status: 'failed' });
    await system.setSecret('HOOK', inUrl);
    await system.push('own', send('context["secrets"]["HOOK"]').replaceAll('URL', JSON.stringify(upstream.url)), {
      settings: { attempts: 1, secrets: ['HOOK'] },
    });
    for (const times of [2, 3]) {
      const { body } = await api.request('POST', `/executions/${ran.id}/rerun`, { version: 'newest' });
      const id = String((body as { executionId: unknown }).executionId);
      await expect
        .poll(async () => (await api.request('GET', `/executions/${id}`)).body, { timeout: 20_000 })
        .toMatchObject({ status: 'failed' });
      expect(upstream.received).toHaveLength(times);
    }
    expect(new Set(upstream.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  it('to helpers leave it neither on the conversation nor in the record', async () => {
    const ran = await run(
      python(`
add_conversation_tag(context, "tag " + secret)
set_conversation_metadata(context, "key " + secret, "value " + secret)
kept = get_conversation_metadata(context, "key " + secret)
add_conversation_event(context, {"description": secret, "attributes": {"a": [secret]}})
try:
    add_conversation_event(context, {secret: 1})
except HelperError as error:
    print(error)
${failFirst}
return kept`),
    );
    notShown(ran);
    expect(ran).toMatchObject({ status: 'succeeded', result: 'value [secret TOKEN]' });
    expect(ran.calls).toHaveLength(5);
    expect(ran.calls[0]).toMatchObject({ args: { tag: 'tag [secret TOKEN]' }, drift: null, lastAttempt: 2 });
    expect(ran.stdout).toContain('[secret TOKEN]');
    const conversation = await getConversation(system.store.db, organization, ran.conversationId ?? '');
    notShown(conversation);
    expect(conversation).toMatchObject({
      tags: ['tag [secret TOKEN]'],
      metadata: { 'key [secret TOKEN]': 'value [secret TOKEN]' },
      timeline: [{ description: '[secret TOKEN]', attributes: { a: ['[secret TOKEN]'] } }],
    });
  });

  it('are kept as they are where there is no secret', async () => {
    const ran = await run(handler('add_conversation_tag(context, "plain")'), { secrets: [] });
    const rows = await system.store.db.selectFrom('calls').selectAll().where('execution_id', '=', ran.id).execute();
    expect(rows).toMatchObject([{ args: '{"tag":"plain"}', sealed_args: null, sealed_answer: null }]);
  });
});

describe('a tool', () => {
  const tool = `from weni import Tool
from weni.responses import TextResponse
class MyTool(Tool):
    def execute(self, context):
        for name, value in context.credentials.items(): print(name, value)
        return TextResponse(data={"lengths": {name: len(value) for name, value in context.credentials.items()}, "all": context.credentials.get("TOKEN")})
`;

  it('finds them in its credentials', async () => {
    const ran = await run(tool, { secrets: ['TOKEN', 'OTHER'] });
    notShown(ran);
    expect(ran.result).toEqual({ lengths: { TOKEN: token.length, OTHER: other.length }, all: '[secret TOKEN]' });
    expect(ran.stdout).toBe('TOKEN [secret TOKEN]\nOTHER [secret OTHER]\n');
  });

  it('that is invoked has its own over them, sealed while it runs', async () => {
    await system.push('invoked', tool, { settings: { secrets: ['TOKEN', 'OTHER'] } });
    const own = 'of-the-invocation-123';
    const { body } = await api.request('POST', '/tools/invoked/invocations', {
      credentials: { TOKEN: own, key: 'a-key-of-its-own-9', short: 'abc' },
    });
    expect(body).toMatchObject({
      status: 'succeeded',
      result: {
        result: {
          lengths: { TOKEN: own.length, OTHER: other.length, key: 18, short: 3 },
          all: '[credential TOKEN]',
        },
      },
    });
    const { body: execution } = await api.request(
      'GET',
      `/executions/${String((body as { executionId: unknown }).executionId)}`,
    );
    notShown(execution);
    expect(execution).toMatchObject({
      stdout: 'TOKEN [credential TOKEN]\nOTHER [secret OTHER]\nkey [credential key]\nshort abc\n',
    });
  });
});

describe('while the invocation of a tool runs', () => {
  const waits = `from weni import Tool
from weni.responses import TextResponse
import requests
class MyTool(Tool):
    def execute(self, context):
        requests.post("URL/begun", data=context.credentials["token"])
        requests.get("URL/slow")
        return TextResponse(data=1)
`;

  it('its credentials are sealed, and then gone', async () => {
    await system.push('waits', waits.replaceAll('URL', upstream.url));
    const invoked = api.request('POST', '/tools/waits/invocations', { credentials: { token: 'planted-for-a-while' } });
    await expect.poll(() => upstream.received.length, { timeout: 20_000 }).toBe(2);
    expect(upstream.received[0]?.body.toString()).toBe('planted-for-a-while');
    const kept = async () => {
      const { rows } = await sql<{ row: string }>`
        select row_to_json(direct_runs)::text || coalesce((select json_agg(calls)::text from calls), '') as row
        from direct_runs where handler_name = 'waits'`.execute(system.store.db);
      return rows.map(({ row }) => row).join();
    };
    expect(await kept()).toContain('sealedCredentials');
    expect(await kept()).not.toContain('planted-for-a-while');
    release();
    expect(await invoked).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    expect(await kept()).not.toMatch(/sealedCredentials|planted-for-a-while/);
  });
});

describe('a worker that is lost between the record of a call and its answer', () => {
  it('leaves calls that the next attempt makes as they were meant', async () => {
    const broken = new Set<string>();
    const fragile = await startSystem({
      checkpoint(name, { call = '' }) {
        if (name !== 'intent:after' || broken.has(call)) return Promise.resolve();
        broken.add(call);
        return Promise.reject(new SandboxError('The fork server is gone'));
      },
    });
    try {
      await fragile.setSecret('TOKEN', token);
      const code = python(`
set_conversation_metadata(context, "k", secret)
answer = requests.post(URL + "/" + requests.utils.quote(secret, safe=""), data=secret.encode()).content.decode()
return [secret in answer, get_conversation_metadata(context, "k")]`);
      const filled = code.replaceAll('URL', JSON.stringify(upstream.url));
      await useHandlers(fragile, { own: { code: filled, secrets: ['TOKEN'] } });
      const { own } = await fragile.run();
      expect(own).toMatchObject({ status: 'succeeded', result: [true, '[secret TOKEN]'], attempts: 4 });
      expect(upstream.received.map(({ body }) => body.toString())).toEqual([token]);
      notShown(own);
      expect(own?.calls.map(({ state, try: times }) => [state, times])).toEqual(Array(3).fill(['succeeded', 1]));
    } finally {
      await fragile.stop();
    }
  }, 60_000);
});

// Each waits for its retries.
it.concurrent.each([
  ['without a key', noKeyring, /^No key for secrets is configured$/],
  [
    'with another key',
    createKeyring([Buffer.alloc(32, 'another key')]),
    /^The secret TOKEN was sealed with the key [0-9a-f]{8}, which is not configured here; there is [0-9a-f]{8}\.$/,
  ],
])(
  'a worker %s runs everything but handlers with secrets, which end as our failure and say why',
  async (_what, keys, message) => {
    const keyless = await startSystem({ keys });
    try {
      await keyless.setSecret('TOKEN', token);
      const tells = handler('add_conversation_tag(context, "t")\nreturn context["secrets"]');
      await useHandlers(keyless, { plain: tells, granted: { code: tells, secrets: ['TOKEN'] } });
      const { plain, granted } = await keyless.run();
      expect(plain).toMatchObject({ status: 'succeeded', result: {} });
      expect(granted).toMatchObject({
        status: 'failed',
        reason: 'secrets_unavailable',
        attempts: limits.maxLostAttempts,
        error: { type: 'Afterword', message: expect.stringMatching(message) as string },
      });
      expect(granted?.attemptLog.map(({ outcome }) => outcome)).toEqual(Array(limits.maxLostAttempts).fill('lost'));
    } finally {
      await keyless.stop();
    }
  },
  60_000,
);
