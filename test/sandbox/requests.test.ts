import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpGateway, type HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { RequestReply, SandboxRequest } from '../../src/sandbox/sandbox.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { startUpstream, type Upstream } from '../setup/upstream.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
let gateway: HttpGateway;
let closed: HttpGateway;
let upstream: Upstream;
let failures = 0;
let endless: NodeJS.Timeout | undefined;

beforeAll(async () => {
  sandbox = await openSandbox();
  gateway = gatewayToStandIns();
  closed = createHttpGateway({ openNetworks: [], origins: new Map() });
  upstream = await startUpstream(({ method, path, headers, body }, response) => {
    const route = path.split('?')[0] ?? '';
    if (route === '/hang') return;
    if (route === '/half') {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    } else if (route === '/gzip') {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(JSON.stringify({ packed: true })));
    } else if (route === '/bytes') response.end(Buffer.from([0, 255, 1, 128]));
    else if (route === '/large') {
      response.end(Buffer.alloc(Number(new URLSearchParams(path.split('?')[1]).get('bytes'))));
    } else if (route === '/endless') {
      endless = setInterval(() => response.write(Buffer.alloc(1 << 20)), 5);
      response.on('close', () => {
        clearInterval(endless);
      });
    } else if (route === '/status') {
      response.writeHead(Number(path.slice(8)), { 'content-type': 'text/plain' }).end('no');
    } else if (route === '/redirect') response.writeHead(302, { location: '/echo' }).end();
    else if (route === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (route === '/inside') response.writeHead(302, { location: 'http://10.0.0.1/secret' }).end();
    else if (route === '/login') {
      response.writeHead(200, { 'set-cookie': ['session=s1; Path=/', 'theme=dark; Path=/'] }).end('in');
    } else if (route === '/third-time') {
      failures += 1;
      response.writeHead(failures < 3 ? 503 : 200).end(String(failures));
    } else {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ method, path, headers, body: body.toString() }));
    }
  });
});
afterAll(async () => {
  await sandbox.close();
  await Promise.all([gateway.close(), closed.close(), upstream.close()]);
});
beforeEach(() => {
  upstream.forget();
  failures = 0;
});

async function send(through: HttpGateway, request: SandboxRequest): Promise<RequestReply> {
  const { connectMs = 5_000, readMs = 5_000 } = request;
  const outcome = await through.send({ ...request, connectMs, readMs }, new AbortController().signal);
  return outcome.ok ? outcome : { ok: false, error: outcome.failure };
}

/** What a handler with these lines returns, or how it failed. */
async function returned(body: string, through = gateway, options: HandlerOptions = {}): Promise<unknown> {
  const code = `import requests\nURL = "${upstream.url}"\ndef handle_event(context):\n    ${body.replaceAll('\n', '\n    ')}`;
  const { result } = await runHandler(sandbox, code, { respond: (request) => send(through, request), ...options });
  return result.outcome === 'succeeded' ? result.result : result;
}

/** The class and text of what a request raised. */
const raised = (call: string, through = gateway) =>
  returned(
    `try:\n    ${call}\nexcept Exception as error:\n    return [type(error).__module__ + "." + type(error).__name__, str(error)]`,
    through,
  );

describe('requests in the cage', () => {
  it('posts JSON and reads JSON', async () => {
    const echo = await returned('return requests.post(URL + "/echo?a=1", json={"x": [1, "é"]}, timeout=10).json()');
    expect(echo).toMatchObject({ method: 'POST', path: '/echo?a=1', body: '{"x": [1, "\\u00e9"]}' });
    expect(upstream.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringContaining('python-requests/') as string,
    });
  });

  it.each([
    ['params', 'requests.get(URL + "/echo", params={"q": "a b", "r": [1, 2]})', { path: '/echo?q=a+b&r=1&r=2' }],
    ['a form', 'requests.post(URL + "/echo", data={"a": "1"})', { body: 'a=1' }],
    ['bytes', 'requests.put(URL + "/echo", data=b"raw")', { body: 'raw', method: 'PUT' }],
    ['a generator', 'requests.post(URL + "/echo", data=(part for part in ["a", b"b"]))', { body: 'ab' }],
    ['a file object', 'requests.post(URL + "/echo", data=__import__("io").BytesIO(b"file"))', { body: 'file' }],
    ['patch', 'requests.patch(URL + "/echo")', { method: 'PATCH' }],
    ['delete', 'requests.delete(URL + "/echo")', { method: 'DELETE' }],
  ])('sends %s', async (_what, call, expected) => {
    expect(await returned(`return ${call}.json()`)).toMatchObject(expected);
  });

  it('sends files, basic authentication and headers of a session', async () => {
    await returned(
      'with requests.Session() as session:\n' +
        '    session.headers["X-Team"] = "crm"\n' +
        '    session.auth = ("user", "pass")\n' +
        '    session.post(URL + "/echo", files={"doc": ("a.txt", b"content")})',
    );
    const [request] = upstream.received;
    expect(request?.headers).toMatchObject({ 'x-team': 'crm', authorization: 'Basic dXNlcjpwYXNz' });
    expect(request?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(request?.body.toString()).toContain('filename="a.txt"\r\n\r\ncontent');
  });

  it('keeps cookies in a session', async () => {
    const cookies = await returned(
      'session = requests.Session()\nlogin = session.get(URL + "/login")\nsession.get(URL + "/echo")\n' +
        'return [login.cookies.get_dict(), session.cookies.get_dict()]',
    );
    expect(cookies).toEqual([
      { session: 's1', theme: 'dark' },
      { session: 's1', theme: 'dark' },
    ]);
    expect(upstream.received[1]?.headers.cookie).toBe('session=s1; theme=dark');
  });

  it('follows redirects as the library does, and shows them', async () => {
    expect(
      await returned(
        'r = requests.post(URL + "/redirect", data="x")\nreturn [r.status_code, r.url.endswith("/echo"), [h.status_code for h in r.history], r.json()["method"]]',
      ),
    ).toEqual([200, true, [302], 'GET']);
    expect(await returned('return requests.get(URL + "/redirect", allow_redirects=False).status_code')).toBe(302);
  });

  it('ends a circle of redirects', async () => {
    expect(await raised('requests.get(URL + "/loop")')).toEqual([
      'requests.exceptions.TooManyRedirects',
      'Exceeded 30 redirects.',
    ]);
  });

  it('reads compressed, binary and streamed answers', async () => {
    expect(await returned('return requests.get(URL + "/gzip").json()')).toEqual({ packed: true });
    expect(await returned('return list(requests.get(URL + "/bytes").content)')).toEqual([0, 255, 1, 128]);
    const chunks =
      'with requests.get(URL + "/bytes", stream=True) as r:\n    return [list(c) for c in r.iter_content(3)]';
    expect(await returned(chunks)).toEqual([[0, 255, 1], [128]]);
  });

  it('raises for a status when asked to', async () => {
    expect(await raised('requests.get(URL + "/status?404").raise_for_status()')).toEqual([
      'requests.exceptions.HTTPError',
      expect.stringContaining('404 Client Error: Not Found for url'),
    ]);
    expect(await returned('return requests.head(URL + "/status?204").ok')).toBe(true);
  });

  it('tries again by the Retry of an adapter', async () => {
    const session =
      'from requests.adapters import HTTPAdapter\nfrom urllib3.util import Retry\nsession = requests.Session()\n' +
      'session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, status_forcelist=[503])))\n';
    expect(await returned(`${session}return session.get(URL + "/third-time").text`)).toBe('3');
  });

  it.each([
    ['an answer that does not come', 'requests.get(URL + "/hang", timeout=0.3)', 'ReadTimeout', /no answer in time/],
    ['a pair of times', 'requests.get(URL + "/hang", timeout=(5, 0.3))', 'ReadTimeout', /no answer in time/],
    ['a connection dropped half-way', 'requests.get(URL + "/half")', 'ConnectionError', /the other side closed it/],
    ['nobody listening', 'requests.get("http://127.0.0.1:1/")', 'ConnectionError', /nobody listens there/],
    ['a name that nobody has', 'requests.get("http://no.such.invalid/")', 'ConnectionError', /host name is not known/],
    ['an answer over the limit', 'requests.get(URL + "/large?bytes=5242881")', 'ConnectionError', /larger than 5 MB/],
    ['an answer without end', 'requests.get(URL + "/endless")', 'ConnectionError', /larger than 5 MB/],
    ['a body over the limit', 'requests.post(URL, data=b"x" * 1048577)', 'ConnectionError', /1048577 bytes, more than/],
    ['headers over the limit', 'requests.get(URL, headers={"A": "x" * 65536})', 'InvalidHeader', /URL and headers/],
    ['a proxy', 'requests.get(URL, proxies={"http": "http://127.0.0.1:1"})', 'ConnectionError', /no proxies/],
    ['another protocol', 'requests.get("ftp://127.0.0.1/")', 'InvalidSchema', /No connection adapters/],
    ['a method that makes a tunnel', 'requests.request("CONNECT", URL)', 'ConnectionError', /CONNECT is not carried/],
  ])('raises what the library raises for %s', async (_what, call, type, message) => {
    expect(await raised(call)).toEqual([`requests.exceptions.${type}`, expect.stringMatching(message)]);
  });

  it('takes bodies and answers exactly at the limit', async () => {
    expect(await returned('return len(requests.post(URL + "/echo", data=b"x" * 1048576).json()["body"])')).toBe(
      1_048_576,
    );
    expect(await returned('return len(requests.get(URL + "/large?bytes=5242880").content)')).toBe(5_242_880);
  });

  it.each([
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '10.0.0.1',
  ])('does not reach %s', async (host) => {
    const port = new URL(upstream.url).port;
    const answer = await raised(`requests.get("http://${host}:${port}/echo", timeout=5)`, closed);
    expect(answer).toEqual([
      'requests.exceptions.ConnectionError',
      expect.stringContaining('private or local address'),
    ]);
    expect(upstream.received).toEqual([]);
  });

  it('does not reach a private address by a redirect', async () => {
    expect(await raised('requests.get(URL + "/inside")')).toEqual([
      'requests.exceptions.ConnectionError',
      expect.stringContaining('http://10.0.0.1 is at a private or local address'),
    ]);
  });

  it.each([
    ['urllib', '__import__("urllib.request").request.urlopen("http://example.com")'],
    ['http.client', '__import__("http.client").client.HTTPConnection("example.com").request("GET", "/")'],
    ['a socket', '__import__("socket").socket()'],
    ['a connection', '__import__("socket").create_connection(("example.com", 80))'],
    ['httpx', '__import__("httpx")'],
    ['aiohttp', '__import__("aiohttp")'],
  ])('says what to use instead of %s', async (_what, call) => {
    const [, message] = (await raised(call)) as [string, string];
    expect(message).toContain('send HTTP requests with `requests`');
  });

  it('leaves event loops their pair of sockets', async () => {
    const code = 'import asyncio\nasync def handle_event(context):\n    await asyncio.sleep(0)\n    return "done"';
    expect((await runHandler(sandbox, code)).result).toMatchObject({ outcome: 'succeeded', result: 'done' });
  });

  it('takes a time without an end for none', async () => {
    expect(await returned('return requests.get(URL + "/echo", timeout=float("inf")).status_code')).toBe(200);
  });

  it('carries requests of several threads', async () => {
    const body =
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n' +
      '    return sorted(pool.map(lambda n: requests.get(URL + f"/echo?{n}").json()["path"], range(8)))';
    expect(await returned(body)).toEqual(Array.from({ length: 8 }, (_, n) => `/echo?${String(n)}`));
  });
});
