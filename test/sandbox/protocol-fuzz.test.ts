import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { handlerLimits } from '../../src/sandbox/handler-limits.ts';
import { HandlerConversation } from '../../src/sandbox/handler-conversation.ts';
import { SandboxError } from '../../src/sandbox/sandbox.ts';
import { fuzzConversations, fuzzRuns, fuzzSeed, mostGrowth } from './fuzz/fuzz.ts';
import { SocketPairs } from './fuzz/run-over-socket.ts';

const seed = fuzzSeed();
const started = '{"t":"started"}\n';
const log = '{"t":"log","s":"stdout","d":"x"}\n';

describe('the host, when a child says what it likes', () => {
  it('keeps its rules over 10,000 hostile lines, and grows by none of them', { timeout: 120_000 }, () => {
    expect(fuzzConversations(10_000, seed)).toBeLessThan(mostGrowth);
  });

  it('ends each run, whatever comes over the connection, and leaves none open', { timeout: 120_000 }, async () => {
    const pairs = new SocketPairs();
    try {
      await fuzzRuns(200, seed, async (conversation) => {
        const result = await pairs.run(conversation);
        if (result instanceof SandboxError) expect(result.message).toMatch(/could not be made|ended before it ran/);
        else expect(['succeeded', 'failed']).toContain(result.outcome);
      });
      expect(pairs.open).toBe(0);
    } finally {
      pairs.close();
    }
  });
});

/** Of the limits that handlers really have. */
const longestRequest = 2 * (handlerLimits.requestBytes + handlerLimits.requestHeadBytes) + (320 << 10);
const longest = handlerLimits.resultBytes + handlerLimits.eventBytes + (320 << 10);
const filled = (head: string, part: string, tail: string) => {
  const most = head.startsWith('{"t":"fetch"') ? longestRequest : longest;
  const count = Math.floor((most - head.length - tail.length) / part.length);
  return `${head}${part.repeat(count)}${tail}`;
};
const fetchOf = (headers: string) =>
  [
    `{"t":"fetch","id":1,"method":"GET","url":"http://a/","body":"","connect":null,"read":null,"insecure":false,"headers":[${headers}`,
    ']}',
  ] as const;

describe('one line as long as it may be', () => {
  const hear = (line: string) => {
    const conversation = new HandlerConversation(handlerLimits, { calls: 10, requests: 6, together: 16 });
    const before = process.memoryUsage().heapUsed;
    const from = performance.now();
    const events = [...conversation.push(Buffer.from(`${started}${line}\n`))];
    return { last: events.at(-1), ms: performance.now() - from, bytes: process.memoryUsage().heapUsed - before };
  };
  const many = {
    'headers that are none': filled(fetchOf('')[0], '1,', `1${fetchOf('')[1]}`),
    'events that are none': filled('{"t":"done","ok":true,"v":1,"events":[', '1,', '1]}'),
    'empty events': filled('{"t":"done","ok":true,"v":1,"events":[', '{"e":{},"x":null},', '{"e":{},"x":null}]}'),
    'fields that no message has': filled('{"t":"log","a":1', ',"b":1', '}'),
    'empty lists': filled('{"t":"done","ok":true,"v":[', '[],', '[]]}'),
    'levels of lists': `{"t":"done","ok":true,"v":${'['.repeat(longest / 2 - 20)}${']'.repeat(longest / 2 - 20)}}`,
    'arguments of a call': filled('{"t":"call","id":1,"name":"x","args":{"a":[', '{},', '{}]}}'),
    'lists in a request': filled('{"t":"fetch","more":[', '[],', '[]]}'),
    'a result that begins as a request': filled('{"t":"fetch","t":"done","ok":true,"v":[', '[],', '[]]}'),
    'a name': filled('{"t":"call","id":1,"args":{},"name":"', 'x', '"}'),
    'a body that is no base64': filled(
      '{"t":"fetch","id":1,"method":"GET","url":"http://a/","headers":[],"connect":null,"read":null,"insecure":false,"body":"',
      'A',
      '!"}',
    ),
    'a body': filled(
      '{"t":"fetch","id":1,"method":"GET","url":"http://a/","headers":[],"connect":null,"read":null,"insecure":false,"body":"',
      'AAAA',
      '"}',
    ),
    'escaped surrogates': filled('{"t":"log","s":"stdout","d":"', String.raw`\ud800`, '"}'),
    digits: filled('{"t":"done","ok":true,"v":', '9', '}'),
  };

  it.each(Object.entries(many))('costs the worker neither its time nor its memory by %s', (_, line) => {
    const { last, ms, bytes } = hear(line);
    expect(last?.kind).toMatch(/^(failed|bad_request|bad_call|call|request|succeeded|log)$/);
    expect(ms).toBeLessThan(2_000);
    expect(bytes).toBeLessThan(150 << 20);
  });

  it.each([
    ['a request', longestRequest, [fetchOf('["x","')[0], '"]]}'] as const, 'bad_request'],
    ['anything else', longest, ['{"t":"log","s":"stdout","d":"', '"}'] as const, 'log'],
  ])('is heard as %s, and one byte more is not', (_, most, [head, tail], kind) => {
    const line = filled(head, 'x', tail);
    expect(Buffer.byteLength(line)).toBe(most);
    expect(hear(line).last).toMatchObject({ kind });
    expect(hear(line.replace('xxx', 'xxxx')).last).toMatchObject({
      kind: 'failed',
      error: { type: 'ProtocolViolation' },
    });
  });
});

describe('many messages', () => {
  it('are heard in one chunk as in one of each byte', () => {
    const all = Buffer.from(started + log.repeat(5_000));
    expect([...new HandlerConversation(handlerLimits).push(all)]).toHaveLength(5_001);
    const conversation = new HandlerConversation(handlerLimits);
    const heard = [...all].flatMap((byte) => [...conversation.push(Buffer.of(byte))]);
    expect(heard).toHaveLength(5_001);
  });
});
