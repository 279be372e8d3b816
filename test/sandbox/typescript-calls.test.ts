import { gzipSync } from 'node:zlib';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { RequestReply, SandboxRequest } from '../../src/sandbox/sandbox.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

const run = (text: string, options: HandlerOptions = {}) =>
  runHandler(sandbox, `export async function handleEvent(context: any, helpers: any) {\n${text}\n}`, {
    ...options,
    language: 'typescript',
  });

describe('helpers', () => {
  test('take their arguments by position and answer by a promise', async () => {
    const { result, calls } = await run(
      `const tag = helpers.addConversationTag('vip');
       return [tag instanceof Promise, await tag, await helpers.llmClassifyBinary('p', { a: 1 }), await helpers.llmClassifyBinary('p', 'i', null)];`,
      { answer: ({ name }) => ({ ok: true, value: name }) },
    );
    expect(result).toMatchObject({
      result: [true, 'add_conversation_tag', 'llm_classify_binary', 'llm_classify_binary'],
    });
    expect(calls).toEqual([
      { name: 'add_conversation_tag', args: { tag: 'vip' } },
      { name: 'llm_classify_binary', args: { prompt: 'p', input: { a: 1 } } },
      { name: 'llm_classify_binary', args: { prompt: 'p', input: 'i', fallback: null } },
    ]);
  });

  test.each([
    [
      'too few arguments',
      'addConversationTag()',
      'invalid_arguments',
      'the argument tag is missing; it is called as addConversationTag(tag: string)',
    ],
    ['too many', "addConversationTag('a', 'b')", 'invalid_arguments', '2 arguments were given, and it takes 1'],
    ['what JSON cannot hold', "llmClassifyBinary('p', { f() {} })", 'invalid_arguments', 'input.f is of type function'],
    ['more than may be passed', "addConversationTag('a'.repeat(300_000))", 'limit_exceeded', 'Pass less.'],
    ['an event that is none', "registerEvent('a')", 'invalid_arguments', 'event must be an object, not string'],
  ])('reject %s with a HelperError', async (_, call, code, message) => {
    const { result, calls } = await run(
      `try { await helpers.${call}; } catch (error: any) { return [error instanceof HelperError, error.name, error.code, error.message]; }`,
    );
    expect(result).toMatchObject({ result: [true, 'HelperError', code, expect.stringContaining(message)] });
    expect(calls).toEqual([]);
  });

  test('reject what the host refuses, with the handler’s own line in the stack', async () => {
    const { result, stderr } = await run("\n  await helpers.addConversationTag('');", {
      answer: () => ({ ok: false, error: { code: 'invalid_arguments', message: 'no empty tags' } }),
    });
    expect(result).toMatchObject({ reason: 'raised', error: { type: 'HelperError', message: 'no empty tags' } });
    expect(stderr).toBe('HelperError: no empty tags\n    at async handleEvent (handler.ts:3:3)\n');
  });

  test('tell of themselves in TypeScript', async () => {
    const { result } = await run('return await helpers.listPredefinedFunctions();');
    expect(result).toMatchObject({
      result: expect.arrayContaining([
        {
          name: 'addConversationTag',
          signature: 'addConversationTag(tag: string): Promise<{ success: boolean }>',
          description: 'Adds a tag to the conversation.',
        },
      ]),
    });
  });

  const counting = () => {
    const seen = { now: 0, most: 0, tags: [] as unknown[] };
    const answer: HandlerOptions['answer'] = async ({ args }) => {
      seen.tags.push(args.tag);
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await pause(30);
      seen.now -= 1;
      return { ok: true, value: args.tag ?? null };
    };
    return { seen, answer };
  };
  const all = 'return await Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => helpers.addConversationTag(String(n))));';
  const numbers = ['1', '2', '3', '4', '5', '6', '7'];

  test.each([1, 3, 10])('are under way at once up to %d, and wait in order beyond', async (callsInFlight) => {
    const { seen, answer } = counting();
    const { result } = await run(all, { callsInFlight, answer });
    expect(result).toMatchObject({ outcome: 'succeeded', result: numbers });
    expect(seen.tags).toEqual(numbers);
    expect(seen.most).toBe(Math.min(7, callsInFlight));
  });

  test('are finished when the handler returns without waiting for them', async () => {
    const { seen, answer } = counting();
    const text = "helpers.addConversationTag('1').then(() => helpers.addConversationTag('2')); return 1;";
    expect((await run(text, { answer })).result).toMatchObject({ outcome: 'succeeded', result: 1 });
    expect(seen).toMatchObject({ now: 0, tags: ['1', '2'] });
    const failed = await run("helpers.addConversationTag('3'); throw new Error('x');", { answer });
    expect(failed.result).toMatchObject({ outcome: 'failed', error: { message: 'x' } });
    expect(seen).toMatchObject({ now: 0, tags: ['1', '2', '3'] });
  });

  test('that nobody waits for fail the handler when they fail', async () => {
    const { result } = await run("helpers.addConversationTag(''); return 1;", {
      answer: () => ({ ok: false, error: { code: 'invalid_arguments', message: 'no empty tags' } }),
    });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'raised', error: { message: 'no empty tags' } });
  });
});

describe('fetch', () => {
  const answering =
    (respond: (request: SandboxRequest) => Partial<{ status: number; headers: [string, string][]; body: Buffer }>) =>
    (request: SandboxRequest): RequestReply => {
      const { status = 200, headers = [], body = Buffer.from('') } = respond(request);
      return { ok: true, response: { status, reason: 'Said', headers, body } };
    };

  test('sends method, headers and body, and reads the answer', async () => {
    const { result, requests } = await run(
      `const response = await fetch(new URL('https://a.example/x?y=1#z'), { method: 'POST', headers: { 'x-a': 'é' }, body: JSON.stringify({ n: 1 }) });
       return [response.ok, response.status, response.statusText, response.url, response.headers.get('X-B'), response.headers.getSetCookie(), await response.json()];`,
      {
        respond: answering(() => ({
          status: 201,
          headers: [
            ['x-b', 'c'],
            ['set-cookie', 'a=1'],
            ['set-cookie', 'b=2'],
          ],
          body: Buffer.from('{"m":"é"}'),
        })),
      },
    );
    expect(result).toMatchObject({
      result: [true, 201, 'Said', 'https://a.example/x?y=1#z', 'c', ['a=1', 'b=2'], { m: 'é' }],
    });
    const [request] = requests;
    expect(request).toMatchObject({ method: 'POST', url: 'https://a.example/x?y=1', insecure: false });
    expect(request?.body.toString()).toBe('{"n":1}');
    expect(Object.fromEntries(request?.headers ?? [])).toMatchObject({
      'content-type': 'text/plain;charset=UTF-8',
      'x-a': 'é',
    });
  });

  test('takes a Request, forms and bytes, and reads compressed and binary answers', async () => {
    const { result, requests } = await run(
      `const form = new FormData(); form.set('a', 'b');
       await fetch(new Request('https://a.example/form', { method: 'PUT', body: form }));
       await fetch('https://a.example/list', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) });
       const bytes = await fetch('https://a.example/bytes', { method: 'POST', body: new Uint8Array([0, 255]) });
       return [...new Uint8Array(await bytes.arrayBuffer())].concat((await (await fetch('https://a.example/gzip')).text()).length);`,
      {
        respond: answering(({ url, body }) =>
          url.endsWith('gzip')
            ? { headers: [['content-encoding', 'gzip']], body: gzipSync('long'.repeat(1_000)) }
            : { body },
        ),
      },
    );
    expect(result).toMatchObject({ result: [0, 255, 4_000] });
    expect(requests.map(({ body }) => body.toString('latin1'))).toEqual([
      expect.stringContaining('name="a"'),
      'a=b+c',
      '\0\xff',
      '',
    ]);
  });

  test('follows redirects, each a request of its own, without credentials for others', async () => {
    const { result, requests } = await run(
      `const response = await fetch('https://a.example/1', { method: 'POST', body: 'x', headers: { authorization: 'secret' } });
       return [response.redirected, response.url, await response.text()];`,
      {
        respond: answering(({ url }) => {
          if (url.endsWith('/1')) return { status: 307, headers: [['location', '/2']] };
          if (url.endsWith('/2')) return { status: 303, headers: [['Location', 'https://b.example/3']] };
          return { body: Buffer.from('there') };
        }),
      },
    );
    expect(result).toMatchObject({ result: [true, 'https://b.example/3', 'there'] });
    expect(
      requests.map(({ method, url, headers }) => [method, url, headers.some(([name]) => name === 'authorization')]),
    ).toEqual([
      ['POST', 'https://a.example/1', true],
      ['POST', 'https://a.example/2', true],
      ['GET', 'https://b.example/3', false],
    ]);
  });

  test.each([
    ['redirects without end', "await fetch('https://a.example/')", 'more than 20 redirects'],
    [
      'a redirect that is forbidden',
      "await fetch('https://a.example/', { redirect: 'error' })",
      'redirects, which the request forbids',
    ],
    ['other schemes', "await fetch('file:///etc/passwd')", 'only http: and https:'],
    ['a URL that is none', "await fetch('/path')", 'Invalid URL'],
    [
      'a body that is too long',
      "await fetch('https://a.example/', { method: 'POST', body: 'a'.repeat((1 << 20) + 1) })",
      'more than the 1048576 allowed',
    ],
  ])('refuses %s with a TypeError', async (_, text, message) => {
    const { result } = await run(text, { respond: answering(() => ({ status: 302, headers: [['location', '/']] })) });
    expect(result).toMatchObject({
      reason: 'raised',
      error: { type: 'TypeError', message: expect.stringContaining(message) },
    });
  });

  test('rejects with a TypeError and the reason where the request fails', async () => {
    const { result } = await run(
      "try { await fetch('https://a.example/'); } catch (error: any) { return [error.name, error.code, error.message]; }",
    );
    expect(result).toMatchObject({ result: ['TypeError', 'http_connection_failed', 'fetch failed: nobody answers'] });
  });

  test('gives up when its signal says so', async () => {
    const { result } = await run(
      `try { await fetch('https://a.example/', { signal: AbortSignal.timeout(50) }); } catch (error: any) { return error.name; }`,
      { respond: () => new Promise(() => undefined) },
    );
    expect(result).toMatchObject({ outcome: 'succeeded', result: 'TimeoutError' });
  });

  test('sends several at once, no more than six', async () => {
    let now = 0;
    let most = 0;
    const { result } = await run(
      "return (await Promise.all(Array.from({ length: 9 }, (_, n) => fetch('https://a.example/' + n)))).length;",
      {
        respond: async () => {
          most = Math.max(most, (now += 1));
          await pause(30);
          now -= 1;
          return { ok: true, response: { status: 200, reason: '', headers: [], body: Buffer.from('') } };
        },
      },
    );
    expect(result).toMatchObject({ outcome: 'succeeded', result: 9 });
    expect(most).toBe(6);
  });
});
