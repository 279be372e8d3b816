import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;

beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());

/** A handler that writes the protocol's lines by itself, past the library. */
const run = (body: string, options: HandlerOptions) =>
  runHandler(
    sandbox,
    `
import os, time
def put(line):
    data = memoryview(line.encode() + b"\\n")
    while data: data = data[os.write(3, data):]
def hear():
    data = b""
    while not data.endswith(b"\\n"): data = os.read(3, 65536)
def fetch(id, headers="[]"):
    put('{"t":"fetch","id":%d,"method":"GET","url":"http://a/","headers":%s,"body":"","connect":null,"read":null,"insecure":false}' % (id, headers))
def handle_event(context):
    ${body.replaceAll('\n', '\n    ')}`,
    options,
  );

const refused = { ok: false, error: { code: 'refused', message: 'no' } } as const;

/** What part of the time the run kept this process busy. */
async function share(body: string): Promise<number> {
  const before = performance.eventLoopUtilization();
  await run(body, { limits: { wallMs: 5_000 }, respond: () => refused, answer: () => refused });
  return performance.eventLoopUtilization(before).utilization;
}

describe('a handler that speaks the protocol by itself', () => {
  it('gets no second answer before it has read the first: they would pile up in the worker', async () => {
    const body = Buffer.alloc(5 << 20, 'x');
    const { result, requests } = await run('for id in range(1, 20):\n    fetch(id)\n    time.sleep(0.1)', {
      respond: () => ({ ok: true, response: { status: 200, reason: 'OK', headers: [], body } }),
    });
    expect(result).toMatchObject({ outcome: 'failed', reason: 'crashed', error: { type: 'ProtocolViolation' } });
    expect(requests).toHaveLength(1);
  });

  it('may ask as fast as it reads', async () => {
    const body = Buffer.alloc(300_000, 'x');
    const { result, requests } = await run('for id in range(1, 61):\n    fetch(id)\n    hear()\nreturn "all"', {
      respond: () => ({ ok: true, response: { status: 200, reason: 'OK', headers: [], body } }),
    });
    expect(result).toMatchObject({ outcome: 'succeeded', result: 'all' });
    expect(requests).toHaveLength(60);
  });

  it.each([
    ['calls', 'put(\'{"t":"call","id":%d,"name":"x","args":{"a":[%s[]]}}\' % (id, "[]," * 190000))'],
    ['headers', 'fetch(id, "[" + "[\\"\\",\\"\\"]," * 250000 + "[\\"\\",\\"\\"]]")'],
  ])('does not take the event loop by %s that are slow to read', async (_what, send) => {
    expect(await share(`id = 0\nwhile True:\n    id += 1\n    ${send}\n    hear()`)).toBeLessThan(0.75);
  });

  it('sends no request whose many headers have no letter', async () => {
    const { requests } = await run('fetch(1, "[" + "[\\"\\",\\"\\"]," * 20000 + "[\\"\\",\\"\\"]]")\nhear()', {
      respond: () => refused,
    });
    expect(requests).toEqual([]);
  });
});
