import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EgressRules } from '../../src/contract/egress.ts';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { setEgressRules } from '../../src/store/egress-rules.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { createApiUnderTest, expectProblem, fieldsOf, type ApiUnderTest } from './api-under-test.ts';
import { createCliUnderTest, type CliUnderTest } from './cli-under-test.ts';
import { handler, useHandlers, type HandlerOfTest } from './spine-system.ts';

describe('the rules of an organisation', () => {
  let system: TestSystem;
  let upstream: Upstream;
  let port: string;

  beforeAll(async () => {
    upstream = await startUpstream(({ path }, response) => {
      if (path === '/away') response.writeHead(302, { location: `http://denied.example:${port}/secret` }).end();
      else response.end('answered');
    });
    ({ port } = new URL(upstream.url));
    // Every name leads here, where the operator opened the address.
    system = await startSystem({
      http: {
        openNetworks: ['127.0.0.1'],
        origins: new Map(),
        resolve: (_name, callback) => {
          callback(null, [{ address: '127.0.0.1', family: 4 }]);
        },
      },
    });
  });
  afterAll(async () => {
    await system.stop();
    await upstream.close();
  });
  beforeEach(async () => {
    upstream.forget();
    await setEgressRules(system.store.db, organization, {});
  });

  const rules = (given: EgressRules) => setEgressRules(system.store.db, organization, given);
  const asks = (url: string, more: Partial<HandlerOfTest> = {}): HandlerOfTest => ({
    code: `import requests\n${handler(`return requests.get("${url.replace('PORT', port)}").text`)}`,
    attempts: 1,
    ...more,
  });

  async function run(one: HandlerOfTest): Promise<ExecutionDetail> {
    await useHandlers(system, { one });
    const { one: execution } = await system.run();
    if (execution === undefined) throw new Error('nothing ran');
    return execution;
  }

  const answered = { status: 'succeeded', result: 'answered' };
  const refusedBy = (words: string) => ({
    status: 'failed',
    reason: 'raised',
    error: { type: 'ConnectionError', message: expect.stringContaining(words) },
  });

  it('hold for its handlers', async () => {
    await rules({ allow: ['good.example'] });
    expect(await run(asks('http://good.example:PORT/'))).toMatchObject(answered);
    const refused = await run(asks('http://other.example:PORT/'));
    expect(refused).toMatchObject(refusedBy('http://other.example'));
    expect(refused).toMatchObject(refusedBy('is not on the allow-list of the organisation'));
    expect(refused.calls).toMatchObject([{ error: { code: 'http_refused' }, answer: null }]);
    expect(upstream.received).toHaveLength(1);
  });

  it('are narrowed by the rules of a handler, for that handler alone', async () => {
    await rules({ deny: ['denied.example'] });
    await useHandlers(system, {
      narrow: asks('http://good.example:PORT/', { egress: { allow: ['other.example'] } }),
      wide: asks('http://good.example:PORT/'),
      widening: asks('http://denied.example:PORT/', { egress: { allow: ['denied.example'] } }),
    });
    expect(await system.run()).toMatchObject({
      narrow: refusedBy('allow-list of the handler'),
      wide: answered,
      widening: refusedBy('deny-list of the organisation (as "denied.example")'),
    });
  });

  it('hold for each hop of a redirect', async () => {
    await rules({ deny: ['denied.example'] });
    const python = await run(asks('http://good.example:PORT/away'));
    expect(python).toMatchObject(refusedBy('deny-list of the organisation'));
    const code = `export const handleEvent = async () => (await fetch("http://good.example:${port}/away")).status;`;
    await system.push('one', code, { language: 'typescript', settings: { attempts: 1 } });
    const { one } = await system.run();
    expect(one).toMatchObject({ status: 'failed', error: { type: 'TypeError' } });
    expect(one?.error?.message).toContain('deny-list of the organisation');
    expect(upstream.received.map(({ path }) => path)).toEqual(['/away', '/away']);
  });

  it('that were mended let a retry pass: a refusal is no answer that is kept', async () => {
    await rules({ deny: ['good.example'] });
    await useHandlers(system, {
      one: {
        attempts: 2,
        code: `import requests, time\n${handler(`
try:
    return requests.get("http://good.example:${port}/").text
except requests.ConnectionError:
    print("refused", flush=True)
    raise`)}`,
      },
    });
    const published = await system.client.publish(closedEvent());
    await expect
      .poll(async () => (await system.executionsOf(published.workflowId)).one?.calls.length, { timeout: 20_000 })
      .toBe(1);
    await rules({});
    await system.client.result(published.workflowId);
    const { one } = await system.executionsOf(published.workflowId);
    expect(one).toMatchObject({ ...answered, attempts: 2 });
  });

  it('are those of its own organisation', async () => {
    await rules({ allow: [] });
    await expect(setEgressRules(system.store.db, 'nobody', {})).rejects.toMatchObject({
      code: 'organization_not_found',
    });
    expect(await run(asks('http://good.example:PORT/'))).toMatchObject(refusedBy('not on the allow-list'));
  });
});

describe('GET and PUT /egress', () => {
  let api: ApiUnderTest;
  beforeAll(async () => {
    api = await createApiUnderTest();
  });
  afterAll(() => api.close());
  const put = (rules: unknown) => api.send('PUT', '/api/v1/egress', rules);

  it('begin without rules, and answer what was set last, for that organisation alone', async () => {
    expect(await api.get('/api/v1/egress')).toMatchObject({ status: 200, body: {} });
    const rules = { allow: ['api.example.com', '*.crm.example:443'], deny: ['203.0.113.0/24'] };
    expect(await put(rules)).toMatchObject({ status: 200, body: rules });
    expect((await api.get('/api/v1/egress')).body).toEqual(rules);
    expect((await api.get('/api/v1/egress', api.rivalKey)).body).toEqual({});
    expect((await put({ allow: [] })).body).toEqual({ allow: [] });
    expect((await api.get('/api/v1/egress')).body).toEqual({ allow: [] });
    expect((await put({})).body).toEqual({});
    expect((await api.get('/api/v1/egress')).body).toEqual({});
  });

  it.each([
    ['a URL', { allow: ['good.example', 'https://bad.example/'] }, ['allow.1'], 'is a URL: name its host alone'],
    ['nothing', { deny: [''] }, ['deny.0'], 'expected a host such as'],
    ['another list', { allowed: [] }, ['allowed'], 'is not a known field'],
    ['one text', { deny: 'bad.example' }, ['deny'], 'expected array'],
    ['too many', { deny: Array.from({ length: 201 }, () => 'a.example') }, ['deny'], 'at most 200 items'],
  ])('refuse %s and say where and why', async (_what, rules, fields, message) => {
    const problem = expectProblem(await put(rules), 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual(fields);
    expect(problem.detail).toContain(message);
    expect((await api.get('/api/v1/egress')).body).toEqual({});
  });

  it('need a key', async () => {
    expectProblem(await api.get('/api/v1/egress', null), 401, 'unauthorized');
  });
});

describe('a push with rules and limits', () => {
  let api: ApiUnderTest;
  beforeAll(async () => {
    api = await createApiUnderTest();
  });
  afterAll(() => api.close());
  const push = (settings: unknown) =>
    api.send('PUT', '/api/v1/handlers/narrow', {
      eventType: 'conversation_closed',
      code: 'def handle_event(context):\n    return 1\n',
      settings,
    });

  it('keeps them with the version', async () => {
    const settings = { egress: { allow: ['api.example.com'] }, limits: { seconds: 60, memoryMb: 64 } };
    expect(await push(settings)).toMatchObject({ status: 201 });
    expect((await api.get('/api/v1/handlers/narrow')).body).toMatchObject({ settings });
    expect((await push({ ...settings, limits: { seconds: 59 } })).body).toMatchObject({ version: 2, changed: true });
  });

  it.each([
    [{ limits: { seconds: 61 } }, ['settings.limits.seconds'], 'must be at most 60'],
    [{ limits: { memoryMb: 513 } }, ['settings.limits.memoryMb'], 'must be at most 512'],
    [{ limits: { memoryMb: 63 } }, ['settings.limits.memoryMb'], 'must be at least 64'],
    [{ limits: { calls: 191 } }, ['settings.limits.calls'], 'must be at most 190'],
    [{ limits: { cpuSeconds: 1.5 } }, ['settings.limits.cpuSeconds'], 'expected a whole number from 1 to 60'],
    [{ limits: { wall: 1 } }, ['settings.limits.wall'], 'is not a known field'],
    [{ egress: { deny: ['http://x'] } }, ['settings.egress.deny.0'], 'is a URL'],
  ])('that cannot be is refused: %j', async (settings, fields, message) => {
    const problem = expectProblem(await push(settings), 400, 'invalid_request');
    expect(fieldsOf(problem)).toEqual(fields);
    expect(problem.detail).toContain(message);
  });
});

describe('afterword egress', () => {
  let cli: CliUnderTest;
  beforeAll(async () => {
    cli = await createCliUnderTest();
  });
  afterAll(() => cli.close());
  const egress = (...args: string[]) => cli.run(['egress', ...args]);

  it('shows and sets the lists, each by itself', async () => {
    expect((await egress('show')).stdout).toBe('allowed  every public host\ndenied   nothing\n');
    expect((await egress('set', '--deny', '203.0.113.0/24')).stdout).toBe(
      'allowed  every public host\ndenied   203.0.113.0/24\n',
    );
    expect(await egress('set', '--allow', 'api.example.com, *.crm.example')).toMatchObject({
      exitCode: 0,
      stdout: 'allowed  api.example.com, *.crm.example\ndenied   203.0.113.0/24\n',
    });
    expect(JSON.parse((await egress('show', '--json')).stdout)).toEqual({
      allow: ['api.example.com', '*.crm.example'],
      deny: ['203.0.113.0/24'],
    });
    expect((await egress('set', '--allow', 'none')).stdout).toBe('allowed  nothing\ndenied   203.0.113.0/24\n');
    expect((await egress('set', '--allow', 'any', '--deny', 'none')).stdout).toBe(
      'allowed  every public host\ndenied   nothing\n',
    );
  });

  it.each([
    [['set'], 2, /Name a list: --allow PATTERNS, --deny PATTERNS, or both/],
    [['set', '--allow', ''], 2, /--allow names no pattern/],
    [['set', '--deny', ' , '], 2, /--deny names no pattern/],
    [['set', '--deny', 'any'], 2, /--allow none/],
    [['set', '--deny', 'https://bad.example'], 1, /deny\.0: "https:\/\/bad\.example" is a URL/],
  ])('refuses %j', async (args, exitCode, message) => {
    const before = await egress('show');
    const ran = await egress(...args);
    expect(ran).toMatchObject({ exitCode, stdout: '' });
    expect(ran.stderr).toMatch(message);
    expect((await egress('show')).stdout).toBe(before.stdout);
  });
});
