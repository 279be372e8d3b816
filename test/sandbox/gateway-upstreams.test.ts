import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/domain/limits.ts';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import type { HttpGateway } from '../../src/sandbox/http-gateway/gateway.ts';
import type { RequestReply, SandboxRequest } from '../../src/sandbox/sandbox.ts';
import { gatewayToStandIns } from '../setup/http.ts';
import { httpAnswer, startRawServer, type RawServer } from '../setup/raw-server.ts';
import { openSandbox, runHandler, until, type HandlerOptions } from './running.ts';
import { send } from './sending.ts';

let sandbox: HandlerSandbox;
let gateway: HttpGateway;
let server: RawServer;
let timers: NodeJS.Timeout[] = [];

/** Writes the same again and again, as long as it is listened to. */
function forEver(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  timers.push(timer);
  socket.on('close', () => {
    clearInterval(timer);
  });
}

/** As much as the other side takes, at once. */
function flood(socket: Socket, text: string): void {
  const chunk = text.repeat(Math.ceil(16_384 / text.length));
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}

const head = 'HTTP/1.1 200 OK\r\n';
const headOf = (bytes: number) =>
  `${head}X: ${'x'.repeat(bytes - 'X'.length - 'Content-Length'.length - '0'.length)}\r\nContent-Length: 0\r\n\r\n`;
const bomb = gzipSync(Buffer.alloc(256 << 20), { level: 1 });

const behaviours: Readonly<Record<string, (socket: Socket) => void>> = {
  '/slow-body': (socket) => {
    socket.write(`${head}Content-Length: 100000\r\n\r\n`);
    forEver(socket, 'x', 20);
  },
  '/slow-chunks': (socket) => {
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n`);
    forEver(socket, '1\r\nx\r\n', 20);
  },
  '/slow-status': (socket) => {
    forEver(socket, ' ', 20);
    socket.write('HTTP/1.1 200 ');
  },
  '/slow-headers': (socket) => {
    socket.write(`${head}X: `);
    forEver(socket, 'x', 20);
  },
  '/slow-hints': (socket) => {
    forEver(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n', 20);
  },
  '/silence': () => undefined,
  '/silent-body': (socket) => socket.write(`${head}Content-Length: 10\r\n\r\nhalf`),
  '/slow-extensions': (socket) => {
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n1;`);
    forEver(socket, 'x', 20);
  },
  '/endless-headers': (socket) => {
    socket.write(head);
    flood(socket, 'X-Filler: xxxxxxxxxxxxxxxxxxxxxxxx\r\n');
  },
  '/endless-hints': (socket) => {
    flood(socket, 'HTTP/1.1 103 Early Hints\r\n\r\n');
  },
  '/endless-body': (socket) => {
    socket.write(`${head}\r\n`);
    flood(socket, 'x'.repeat(1_000));
  },
  '/endless-trailers': (socket) => {
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n0\r\n`);
    flood(socket, 'X-Filler: xxxxxxxxxxxxxxxxxxxxxxxx\r\n');
  },
  '/some-hints': (socket) => {
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(limits.httpInformationalResponses) + httpAnswer('at last'));
  },
  '/too-many-hints': (socket) => {
    socket.write(
      'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(limits.httpInformationalResponses + 1) + httpAnswer('never'),
    );
  },
  '/largest-head': (socket) => socket.write(headOf(limits.httpResponseHeadBytes)),
  '/larger-head': (socket) => socket.write(headOf(limits.httpResponseHeadBytes + 1)),
  '/half': (socket) => socket.end(`${head}Content-Length: 10\r\n\r\nhalf`),
  '/half-chunk': (socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\na\r\nhalf`),
  '/more': (socket) => socket.write(`${head}Content-Length: 2\r\n\r\nok${httpAnswer('poison')}`),
  '/two-lengths': (socket) => socket.write(`${head}Content-Length: 2\r\nContent-Length: 6\r\n\r\npoison`),
  '/length-and-chunks': (socket) =>
    socket.write(`${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n`),
  '/switch': (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
  '/nonsense': (socket) => socket.write('SSH-2.0-OpenSSH_9.9\r\n'),
  '/nothing': (socket) => socket.end(),
  '/reset': (socket) => socket.resetAndDestroy(),
  '/bomb': (socket) => {
    socket.write(`${head}Content-Encoding: gzip\r\nContent-Length: ${String(bomb.length)}\r\n\r\n`);
    socket.write(bomb);
  },
  '/redirect': (socket) => socket.write(httpAnswer('', { status: '302 Found', headers: 'Location: /redirect\r\n' })),
  '/pieces': (socket) => {
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(limits.httpResponsePieces)}0\r\n\r\n`);
  },
  '/more-pieces': (socket) => {
    socket.write(
      `${head}Transfer-Encoding: chunked\r\n\r\n${'1\r\nx\r\n'.repeat(limits.httpResponsePieces + 1)}0\r\n\r\n`,
    );
  },
  '/stay': (socket) => socket.write(httpAnswer('stay', { headers: 'Keep-Alive: timeout=600\r\n' })),
  '/odd-names': (socket) =>
    socket.write(httpAnswer('odd', { headers: '__proto__: a\r\nconstructor: b\r\n__proto__: c\r\ntoString: d\r\n' })),
  '/fine': (socket) => socket.write(httpAnswer('fine')),
};

beforeAll(async () => {
  sandbox = await openSandbox();
  gateway = gatewayToStandIns();
  server = await startRawServer((socket, request) => {
    behaviours[/^[A-Z]+ (?<path>[^ ?]*)/u.exec(request)?.groups?.path ?? '']?.(socket);
  });
});
afterAll(async () => {
  await Promise.all([sandbox.close(), gateway.close(), server.close()]);
});
beforeEach(() => {
  for (const timer of timers) clearInterval(timer);
  timers = [];
  server.forget();
});

const ask = (path: string, totalMs = 5_000, readMs = 1_000) => send(gateway, server.url + path, { totalMs, readMs });
const gone = () => until('the connection is gone', () => server.connections.every(({ closed }) => closed));

describe('an answer that never ends', () => {
  it.each(['/slow-body', '/slow-chunks', '/slow-status', '/slow-headers', '/slow-hints', '/slow-extensions'])(
    'a byte at a time, is given up when the time of the request is over: %s',
    async (path) => {
      const from = performance.now();
      const outcome = await ask(path, 600);
      expect(outcome).toMatchObject({ failure: { code: 'http_read_timeout' } });
      expect(outcome).toHaveProperty('failure.message', `${server.url}: no whole answer within 0.6 s`);
      expect(performance.now() - from).toBeLessThan(3_000);
      await gone();
    },
  );

  it.each(['/silence', '/silent-body'])('by silence, is given up after the time of a silence: %s', async (path) => {
    expect(await ask(path, 20_000, 500)).toMatchObject({ failure: { code: 'http_read_timeout' } });
    await gone();
  });

  it.each([
    ['/endless-headers', 'the head of the response is larger than 16 KB'],
    ['/endless-hints', 'the response has too many heads'],
    ['/endless-body', 'the response is larger than 5 MB'],
    ['/endless-trailers', 'the head of the response is larger than 16 KB'],
  ])('in bulk, is given up as soon as it is too large: %s', async (path, message) => {
    const outcome = await ask(path, 20_000);
    expect(outcome).toMatchObject({
      failure: { code: 'http_response_too_large', message: `${server.url}: ${message}` },
    });
    await gone();
  });

  it('ends with its handler', async () => {
    const code = `import requests\ndef handle_event(context):\n    requests.get("${server.url}/slow-body", timeout=1)`;
    const abort = new AbortController();
    const respond = async (request: SandboxRequest): Promise<RequestReply> => {
      const times = { connectMs: 5_000, readMs: 5_000, totalMs: 60_000 };
      const outcome = await gateway.send({ ...request, ...times }, abort.signal);
      return outcome.ok ? outcome : { ok: false, error: outcome.failure };
    };
    const { result } = await runHandler(sandbox, code, { respond, limits: { wallMs: 1_000 } });
    expect(result).toMatchObject({ outcome: 'timed_out' });
    abort.abort();
    await gone();
  });
});

describe('the head of an answer', () => {
  it('may be as large as the limit, and not a byte larger', async () => {
    expect(await ask('/largest-head')).toMatchObject({ ok: true });
    expect(await ask('/larger-head')).toMatchObject({ failure: { code: 'http_response_too_large' } });
  });

  it('may come after as many others as allowed, and not one more', async () => {
    expect(await ask('/some-hints')).toMatchObject({ ok: true, response: { body: Buffer.from('at last') } });
    expect(await ask('/too-many-hints')).toMatchObject({ failure: { code: 'http_response_too_large' } });
  });
});

describe('an answer', () => {
  it('may come in as many pieces as allowed, and not one more', async () => {
    const outcome = await ask('/pieces', 20_000);
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.ok && outcome.response.body.toString()).toBe('x'.repeat(limits.httpResponsePieces));
    expect(await ask('/more-pieces', 20_000)).toMatchObject({ failure: { code: 'http_response_too_large' } });
    await gone();
  });

  it('does not keep its connection for as long as it asks for', async () => {
    expect(await ask('/stay')).toMatchObject({ ok: true });
    expect(server.connections.some(({ closed }) => closed)).toBe(false);
    await until('the connection is closed', () => server.connections.every(({ closed }) => closed), 10_000);
  });

  it('may have headers whose names mean something to JavaScript', async () => {
    const outcome = await ask('/odd-names');
    expect(outcome).toMatchObject({ ok: true });
    const headers = outcome.ok ? outcome.response.headers : [];
    expect(headers).toContainEqual(['constructor', 'b']);
    expect(headers).toContainEqual(['tostring', 'd']);
  });
});

describe('an answer that is not what it says', () => {
  it.each(['/half', '/half-chunk', '/nothing', '/reset'])('breaks off, and is no answer: %s', async (path) => {
    expect(await ask(path)).toMatchObject({ failure: { code: 'http_connection_failed' } });
    await gone();
  });

  it.each(['/two-lengths', '/length-and-chunks', '/switch', '/nonsense'])(
    'breaks HTTP, and is no answer: %s',
    async (path) => {
      expect(await ask(path)).toMatchObject({ failure: { code: 'http_connection_failed' } });
      await gone();
    },
  );

  it('sends more than it says, and the rest is nobody’s answer', async () => {
    expect(await ask('/more')).toMatchObject({ ok: true, response: { body: Buffer.from('ok') } });
    for (let n = 0; n < 5; n += 1) {
      expect(await ask('/fine')).toMatchObject({ ok: true, response: { body: Buffer.from('fine') } });
    }
  });
});

describe('a small body that unpacks to a large one', () => {
  it('is not unpacked by the worker', async () => {
    const outcome = await ask('/bomb');
    expect(outcome).toMatchObject({ ok: true });
    expect(outcome.ok && outcome.response.body.equals(bomb)).toBe(true);
  });

  it.each([
    ['python', 'import requests\ndef handle_event(context):\n    return len(requests.get("URL").content)'],
    ['typescript', 'export const handleEvent = async () => (await (await fetch("URL")).arrayBuffer()).byteLength;'],
  ] as const)('takes the memory of its own handler only: %s', async (language, code) => {
    const respond = async (request: SandboxRequest): Promise<RequestReply> => {
      const outcome = await gateway.send({ ...request, connectMs: 5_000, readMs: 5_000 }, new AbortController().signal);
      return outcome.ok ? outcome : { ok: false, error: outcome.failure };
    };
    const options: HandlerOptions = { language, respond, limits: { memoryBytes: 128 << 20, wallMs: 20_000 } };
    const before = process.memoryUsage().rss;
    const { result } = await runHandler(sandbox, code.replace('URL', `${server.url}/bomb`), options);
    expect(result, JSON.stringify(result)).toMatchObject({ outcome: 'failed', reason: 'out_of_memory' });
    expect(result).toHaveProperty('error.message', expect.stringContaining('128 MB'));
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20);
    const { result: next } = await runHandler(sandbox, 'def handle_event(context): return "unharmed"');
    expect(next).toMatchObject({ outcome: 'succeeded', result: 'unharmed' });
  });
});

describe('redirects', () => {
  it('are not followed by the worker', async () => {
    expect(await ask('/redirect')).toMatchObject({ ok: true, response: { status: 302 } });
    expect(server.asked).toHaveLength(1);
  });

  it.each([
    ['python', 'import requests\ndef handle_event(context):\n    requests.get("URL")', 'TooManyRedirects', 31],
    ['typescript', 'export const handleEvent = () => fetch("URL");', 'TypeError', 21],
  ] as const)('without end are given up by the handler’s library: %s', async (language, code, type, requests) => {
    const respond = async (request: SandboxRequest): Promise<RequestReply> => {
      const outcome = await gateway.send({ ...request, connectMs: 5_000, readMs: 5_000 }, new AbortController().signal);
      return outcome.ok ? outcome : { ok: false, error: outcome.failure };
    };
    const { result } = await runHandler(sandbox, code.replace('URL', `${server.url}/redirect`), { language, respond });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'raised', error: { type } });
    expect(server.asked).toHaveLength(requests);
  });
});
