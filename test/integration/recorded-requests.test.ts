import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { startSystem, type TestSystem } from '../setup/system.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { handler, useHandlers } from './spine-system.ts';

let system: TestSystem;
let upstream: Upstream;
/** How the upstream answers the next requests; 200 when there is none left. */
const statuses: number[] = [];

beforeAll(async () => {
  upstream = await startUpstream(({ path, body }, response) => {
    if (path === '/drop') {
      response.destroy();
      return;
    }
    if (path === '/gzip') {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('packed and readable'));
      return;
    }
    if (path === '/bomb') {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('x'.repeat(1_000_000)));
      return;
    }
    if (path === '/long') {
      response.end('x'.repeat(100_000));
      return;
    }
    response.writeHead(statuses.shift() ?? 200, { 'set-cookie': 'seen=1', 'content-type': 'text/plain' });
    response.end(`answer ${String(upstream.received.length)} to ${body.toString()}`);
  });
  system = await startSystem();
});
afterAll(async () => {
  await system.stop();
  await upstream.close();
});
beforeEach(() => {
  upstream.forget();
  statuses.length = 0;
});

async function run(body: string, attempts = 2): Promise<ExecutionDetail> {
  const code = handler(body.replaceAll('URL', JSON.stringify(upstream.url)));
  await useHandlers(system, { sends: { code: `import requests\n${code}`, attempts } });
  const { sends } = await system.run();
  if (sends === undefined) throw new Error('nothing ran');
  return sends;
}

const failFirst = 'if context["args"]["attempt"] == 1: raise RuntimeError("once more")';
const keysOf = () => upstream.received.map(({ headers }) => headers['idempotency-key']);

describe('a request of a handler', () => {
  it('is recorded with its answer, and not sent again when the handler is retried', async () => {
    const execution = await run(`
first = requests.post(URL + "/crm?token=t", json={"n": 1}, headers={"X-Api-Key": "k"}, auth=("u", "p")).text
second = requests.post(URL + "/crm?token=t", json={"n": 2}).text
${failFirst}
return [first, second]`);
    expect(execution).toMatchObject({ status: 'succeeded', result: ['answer 1 to {"n": 1}', 'answer 2 to {"n": 2}'] });
    expect(upstream.received).toHaveLength(2);
    expect(new Set(keysOf()).size).toBe(2);
    expect(execution.calls).toMatchObject([
      {
        name: `POST ${upstream.url}/crm`,
        n: 1,
        try: 1,
        effect: 'external',
        state: 'succeeded',
        attempt: 1,
        lastAttempt: 2,
      },
      { name: `POST ${upstream.url}/crm`, n: 2, try: 1, state: 'succeeded', attempt: 1, lastAttempt: 2, drift: null },
    ]);
    const [call] = execution.calls;
    expect(call?.args).toMatchObject({
      method: 'POST',
      url: `${upstream.url}/crm?token=t`,
      body: '{"n": 1}',
      idempotencyKey: keysOf()[0],
    });
    expect(call?.answer).toMatchObject({ status: 200, reason: 'OK', body: 'answer 1 to {"n": 1}' });
  });

  it('shows no credential', async () => {
    const execution = await run(
      'requests.post(URL, headers={"X-Api-Key": "key-of-mine", "Cookie": "c=cookie-of-mine"}, auth=("u", "pass-of-mine"))',
    );
    const shown = JSON.stringify(execution);
    for (const secret of ['key-of-mine', 'cookie-of-mine', Buffer.from('u:pass-of-mine').toString('base64')]) {
      expect(shown).not.toContain(secret);
    }
    const [call] = execution.calls;
    expect(call?.args).toMatchObject({ headers: expect.arrayContaining([['X-Api-Key', '***']]) as unknown });
    expect(call?.answer).toMatchObject({ headers: expect.arrayContaining([['set-cookie', '***']]) as unknown });
  });

  it('is answered from the record also where its body has changed, which is shown', async () => {
    const execution = await run(
      `answer = requests.post(URL, data=str(context["args"]["attempt"])).text\n${failFirst}\nreturn answer`,
    );
    expect(execution.result).toBe('answer 1 to 1');
    expect(upstream.received).toHaveLength(1);
    expect(execution.calls).toMatchObject([{ drift: { body: '2' } }]);
  });

  it('that only reads is made anew where it has changed, and else replayed', async () => {
    const execution = await run(
      `same = requests.get(URL + "/same").text\nother = requests.get(URL + "/other", params={"a": context["args"]["attempt"]}).text\n${failFirst}\nreturn [same, other]`,
    );
    expect(execution.result).toEqual(['answer 1 to ', 'answer 3 to ']);
    expect(upstream.received.map(({ path }) => path)).toEqual(['/same', '/other?a=1', '/other?a=2']);
    expect(keysOf()).toEqual([undefined, undefined, undefined]);
  });

  it.each([408, 425, 429, 500, 503])(
    'answered with %i is sent again on a retry, under the same key',
    async (status) => {
      statuses.push(status);
      const execution = await run('r = requests.post(URL, data="x")\nr.raise_for_status()\nreturn r.text');
      expect(execution).toMatchObject({ status: 'succeeded', result: 'answer 2 to x' });
      const [first, second] = keysOf();
      expect(first).toBe(second);
      expect(execution.calls).toMatchObject([
        { n: 1, try: 1, state: 'transient', answer: { status }, error: null },
        { n: 1, try: 2, state: 'succeeded', answer: { status: 200 } },
      ]);
    },
  );

  it.each([200, 302, 400, 401, 404, 422])('answered with %i has its answer', async (status) => {
    statuses.push(status);
    const execution = await run(
      `r = requests.post(URL, data="x", allow_redirects=False)\n${failFirst}\nreturn r.status_code`,
    );
    expect(execution.result).toBe(status);
    expect(upstream.received).toHaveLength(1);
    expect(execution.calls).toMatchObject([{ state: 'succeeded', answer: { status } }]);
  });

  it('that was never answered is kept with what went wrong, and sent again', async () => {
    const execution = await run('requests.post(URL + "/drop")');
    expect(execution).toMatchObject({ status: 'failed', reason: 'raised', error: { type: 'ConnectionError' } });
    expect(execution.calls).toMatchObject([
      { try: 1, state: 'transient', answer: null, error: { code: 'http_connection_failed' } },
      { try: 2, state: 'transient', error: { code: 'http_connection_failed' } },
    ]);
    expect(new Set(keysOf()).size).toBe(1);
  });

  it('keeps the key that the handler gave', async () => {
    await run('requests.post(URL, headers={"Idempotency-Key": "order-7"})');
    expect(keysOf()).toEqual(['order-7']);
  });

  it('to a private address is refused, and asked for again on a retry: somebody may have mended the rule', async () => {
    const execution = await run('requests.post("http://10.0.0.1/admin")');
    expect(execution).toMatchObject({
      status: 'failed',
      error: { type: 'ConnectionError', message: expect.stringContaining('private or local address') as unknown },
    });
    expect(execution.calls).toMatchObject([
      { try: 1, state: 'transient', error: { code: 'http_refused' } },
      { try: 2, state: 'transient', error: { code: 'http_refused' } },
    ]);
  });

  it('is shown readable where its answer came compressed, and without a long body', async () => {
    const execution = await run(`
texts = [requests.get(URL + "/gzip").text, len(requests.post(URL + "/long", data="y" * 100000).text)]
${failFirst}
return texts`);
    expect(execution.result).toEqual(['packed and readable', 100_000]);
    expect(upstream.received).toHaveLength(2);
    const [packed, long] = execution.calls;
    expect(packed?.answer).toMatchObject({ status: 200, body: 'packed and readable' });
    expect(long).toMatchObject({ args: { method: 'POST' }, answer: { status: 200 } });
    for (const shown of [long?.args, long?.answer]) {
      expect(shown).toMatchObject({ omittedBytes: expect.any(Number) as number });
      expect(JSON.stringify(shown).length).toBeLessThan(2_000);
    }
  });

  it('is not shown unpacked where that is much longer', async () => {
    const execution = await run('return len(requests.get(URL + "/bomb").text)');
    expect(execution.result).toBe(1_000_000);
    expect(execution.calls[0]?.answer).toMatchObject({ bodyBase64: expect.any(String) as string });
  });

  it('with a long body is known to have changed', async () => {
    const execution = await run(
      `answer = requests.post(URL + "/long", data=str(context["args"]["attempt"]) * 100000).text\n${failFirst}`,
    );
    expect(upstream.received).toHaveLength(1);
    expect(execution.calls).toMatchObject([{ drift: { omittedBytes: 100_000 } }]);
  });

  it('keeps binary bodies whole', async () => {
    const execution = await run('return requests.post(URL, data=bytes([0, 255])).status_code');
    expect(upstream.received[0]?.body).toEqual(Buffer.from([0, 255]));
    expect(execution.calls[0]?.args).toMatchObject({ bodyBase64: Buffer.from([0, 255]).toString('base64') });
  });

  it('may be made 190 times by an execution, and not once more', async () => {
    const most = limits.httpRequestsPerExecution;
    const sends = (times: number) => `for n in range(${String(times)}): requests.get(URL + f"/{n}")\nreturn "done"`;
    expect(await run(sends(most))).toMatchObject({ status: 'succeeded', result: 'done' });
    expect(upstream.received).toHaveLength(most);
    upstream.forget();
    expect(await run(sends(most + 1))).toMatchObject({
      status: 'failed',
      reason: 'limit_exceeded',
      error: { message: expect.stringContaining(`more than the ${String(most)} HTTP requests it may make in all`) },
    });
    expect(upstream.received).toHaveLength(most);
  });
});

describe('a handler that ends while its request is under way', () => {
  it('gives it up, and says so', async () => {
    const hanging = await startUpstream(() => undefined);
    await useHandlers(system, {
      hangs: {
        code: `import requests, threading, time\ndef handle_event(context):\n    threading.Thread(target=lambda: requests.get("${hanging.url}"), daemon=True).start()\n    time.sleep(0.3)\n    return "gone"`,
      },
    });
    const { hangs } = await system.run();
    expect(hangs).toMatchObject({
      status: 'succeeded',
      result: 'gone',
      calls: [{ state: 'transient', error: { code: 'http_aborted' } }],
    });
    await hanging.close();
  });
});
