import { describe, expect, it } from 'vitest';
import { LineSplitter, parseChildMessage, ProtocolViolation } from '../../src/sandbox/child-messages.ts';
import { firstBytes } from '../../src/domain/utf8.ts';
import { cleanJson, cleanText } from '../../src/sandbox/clean-text.ts';
import { HandlerConversation } from '../../src/sandbox/handler-conversation.ts';
import { limits } from './running.ts';

const started = '{"t":"started"}';
const call = (id: number, args = '{"tag":"x"}') =>
  `{"t":"call","id":${id},"name":"add_conversation_tag","args":${args}}`;
const done = (events: string) => `{"t":"done","ok":true,"v":1,"events":${events}}`;
const failed = (events: string) =>
  `{"t":"done","ok":false,"reason":"raised","type":"E","message":"m","traceback":"","events":${events}}`;
const log = (text: string) => JSON.stringify({ t: 'log', s: 'stdout', d: text });

/** What a child's lines come to; calls are answered at once unless told otherwise. */
function hear(
  lines: readonly string[],
  options: { answer?: boolean; outputBytes?: number; resultBytes?: number } = {},
) {
  const { answer = true, ...changed } = options;
  const conversation = new HandlerConversation({ ...limits, ...changed });
  return lines.flatMap((line) => {
    const events = [...conversation.push(Buffer.from(`${line}\n`))];
    if (answer) conversation.answered('calls');
    return events;
  });
}

const violation = { kind: 'failed', reason: 'crashed', error: { type: 'ProtocolViolation' } };

describe('a conversation', () => {
  it('passes on what a well-behaved child says', () => {
    const events = hear([started, log('hi'), call(1), call(2), '{"t":"done","ok":true,"v":{"a":[1]}}']);
    expect(events).toEqual([
      { kind: 'started' },
      { kind: 'log', stream: 'stdout', text: 'hi' },
      { kind: 'call', id: 1, call: { name: 'add_conversation_tag', args: { tag: 'x' } } },
      { kind: 'call', id: 2, call: { name: 'add_conversation_tag', args: { tag: 'x' } } },
      { kind: 'succeeded', result: { a: [1] }, events: [] },
    ]);
  });

  it('keeps no more of a forged failure than people read', () => {
    const long = JSON.stringify('é'.repeat(100_000));
    const [, event] = hear([
      started,
      failed('[]').replace('"m"', long).replace('"traceback":""', `"traceback":${long}`),
    ]);
    const told = 'é'.repeat(32_768);
    expect(event).toMatchObject({ kind: 'failed', error: { message: told, traceback: told } });
  });

  it('takes the longest of times for one that a timer can be given', () => {
    const fetch = `{"t":"fetch","id":1,"method":"GET","url":"http://a/","headers":[],"body":"","connect":1e306,"read":1e-9,"insecure":false}`;
    expect(hear([started, fetch]).at(-1)).toMatchObject({
      request: { connectMs: Number.MAX_SAFE_INTEGER, readMs: 1 },
    });
  });

  it('understands bytes however they are cut', () => {
    const bytes = Buffer.from([started, log('é✓😀'), '{"t":"done","ok":true,"v":"é"}', ''].join('\n'));
    const whole = [...new HandlerConversation(limits).push(bytes)];
    const conversation = new HandlerConversation(limits);
    const cut = [...bytes].flatMap((_, index) => [...conversation.push(bytes.subarray(index, index + 1))]);
    expect(cut).toEqual(whole);
    expect(whole).toHaveLength(3);
  });

  it.each<[string, string[]]>([
    ['anything before the start', [log('hi')]],
    ['a result before the start', ['{"t":"done","ok":true,"v":1}']],
    ['two starts', [started, started]],
    [
      'a failed set-up after the start, which would blame the platform',
      [started, '{"t":"setup_failed","message":"x"}'],
    ],
    ['no JSON', [started, 'hello']],
    ['an empty line', [started, '']],
    ['JSON that is no object', [started, '[]']],
    ['null', [started, 'null']],
    ['an unknown message', [started, '{"t":"reboot"}']],
    ['an unknown field', [started, '{"t":"log","s":"stdout","d":"x","z":1}']],
    ['an unknown stream', [started, '{"t":"log","s":"stdin","d":"x"}']],
    ['an empty log, which would cost nothing', [started, log('')]],
    ['a call without a number', [started, '{"t":"call","name":"x","args":{}}']],
    ['a call whose number repeats', [started, call(1), call(1)]],
    ['a call whose number jumps', [started, call(2)]],
    ['a call with a list of arguments', [started, call(1, '[]')]],
    [
      'a failure with a reason of its own',
      [started, '{"t":"done","ok":false,"reason":"refused","type":"","message":"","traceback":""}'],
    ],
    ['events that are no list', [started, done('{"e":{},"x":null}')]],
    ['an event that is no object', [started, done('[{"e":[],"x":null}]')]],
    ['an event without a word on its fault', [started, done('[{"e":{}}]')]],
    ['an event with a field of its own', [started, done('[{"e":{},"x":null,"state":"delivered"}]')]],
    ['a success and a failure in one', [started, '{"t":"done","ok":true,"v":1,"reason":"raised"}']],
    ['a line without end', [started, 'x'.repeat(2 << 20)]],
    ['JSON nested without end', [started, `{"t":"done","ok":true,"v":${'['.repeat(1 << 19)}`]],
  ])('ends at %s', (_, lines) => {
    expect(hear(lines).at(-1)).toMatchObject(violation);
  });

  it('ends at a second call before the first was answered', () => {
    expect(hear([started, call(1), call(2)], { answer: false }).at(-1)).toMatchObject(violation);
  });

  it('hears nothing more after the end', () => {
    const done = '{"t":"done","ok":true,"v":1}';
    expect(hear([started, done, done, 'garbage', log('late')])).toHaveLength(2);
    expect(hear([started, 'garbage', done])).toHaveLength(2);
    const conversation = new HandlerConversation(limits);
    expect([...conversation.push(Buffer.from(`${started}\n${done}\n${done}\n`))]).toHaveLength(2);
  });

  it('keeps output up to the last whole character that fits, then ends', () => {
    const events = hear([started, log('aé'), log('é')], { outputBytes: 4 });
    expect(events.slice(1)).toMatchObject([{ text: 'aé' }, { kind: 'failed', reason: 'limit_exceeded' }]);
    expect(hear([started, log('aé'), log('b')], { outputBytes: 4 })).toHaveLength(3);
  });

  it('counts a result as it will be stored, whatever was written', () => {
    const done = (text: string) => `{"t":"done","ok":true,"v":"${text}"}`;
    expect(hear([started, done('\\u0061'.repeat(8))], { resultBytes: 10 }).at(-1)).toMatchObject({
      result: 'aaaaaaaa',
    });
    expect(hear([started, done('\\u0061'.repeat(9))], { resultBytes: 10 }).at(-1)).toMatchObject({
      reason: 'limit_exceeded',
    });
  });

  it('replaces what text may not hold, in names, arguments, results and errors', () => {
    const bad = String.raw`a\u0000\ud800`;
    const good = 'a\ufffd\ufffd';
    expect(hear([started, call(1, `{"${bad}":{"${bad}":["${bad}"]}}`)]).at(-1)).toMatchObject({
      call: { args: { [good]: { [good]: [good] } } },
    });
    const failed = `{"t":"done","ok":false,"reason":"raised","type":"${bad}","message":"${bad}","traceback":"${bad}"}`;
    expect(hear([started, failed]).at(-1)).toMatchObject({ error: { type: good, message: good, traceback: good } });
    const events = [
      ...new HandlerConversation(limits).push(
        Buffer.from(`${started}\n{"t":"log","s":"stdout","d":"\xff"}\n`, 'latin1'),
      ),
    ];
    expect(events.at(-1)).toMatchObject({ text: '\ufffd' });
  });

  it('refuses values nested deeper than whoever reads them next can bear, and numbers that are none', () => {
    const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    const done = (value: string) => `{"t":"done","ok":true,"v":${value}}`;
    expect(hear([started, done(nested(200))]).at(-1)).toMatchObject({ kind: 'succeeded' });
    expect(hear([started, done(nested(202))]).at(-1)).toMatchObject({ reason: 'not_json' });
    expect(hear([started, done(nested(30_000))]).at(-1)).toMatchObject({ reason: 'not_json' });
    expect(hear([started, done('1e999')]).at(-1)).toMatchObject({ reason: 'not_json' });
    expect(hear([started, call(1, `{"a":${nested(30_000)}}`)]).at(-1)).toMatchObject({ kind: 'bad_call', id: 1 });
  });
});

describe('the parts', () => {
  it('__proto__ in a message stays a key and pollutes nothing', () => {
    const value = cleanJson(JSON.parse('{"__proto__":{"polluted":true}}'));
    expect(Object.keys(value as object)).toEqual(['__proto__']);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('firstBytes cuts at whole characters', () => {
    expect([0, 1, 2, 3, 4, 6, 7].map((count) => firstBytes('aé😀', count))).toEqual([
      '',
      'a',
      'a',
      'aé',
      'aé',
      'aé',
      'aé😀',
    ]);
    expect(firstBytes('a', -1)).toBe('');
  });

  it('cleanText leaves good text alone', () => {
    expect(cleanText('é😀\n\t')).toBe('é😀\n\t');
  });

  it('LineSplitter allows a line of exactly the limit', () => {
    expect([...new LineSplitter(3).push(Buffer.from('abc\n\nd'))]).toEqual(['abc', '']);
    expect(() => [...new LineSplitter(3).push(Buffer.from('abcd'))]).toThrow(ProtocolViolation);
  });

  it('parseChildMessage takes no number that is not a whole one', () => {
    expect(() => parseChildMessage(call(1.5))).toThrow(ProtocolViolation);
    expect(() => parseChildMessage(call(-1))).toThrow(ProtocolViolation);
  });
});

describe('analytics events at the end of a run', () => {
  const registered = (events: string, end = done) => hear([started, end(events)]).at(-1);
  const list = (count: number, filling: string) =>
    JSON.stringify(Array.from({ length: count }, () => ({ e: { k: filling }, x: null })));

  it('are passed on in their order, with what is wrong with them, also of a failure', () => {
    const events = '[{"e":{"key":"a"},"x":null},{"e":{"key":"b"},"x":"no JSON"}]';
    const expected = [
      { event: { key: 'a' }, fault: null },
      { event: { key: 'b' }, fault: 'no JSON' },
    ];
    expect(registered(events)).toMatchObject({ kind: 'succeeded', events: expected });
    expect(registered(events, failed)).toMatchObject({ kind: 'failed', reason: 'raised', events: expected });
  });

  it('lose what cannot be stored and say so; the others keep all of theirs', () => {
    const deep = `${'['.repeat(201)}${']'.repeat(201)}`;
    const event = `{"e":{"key":"a\\u0000","value":1e999,"metadata":${deep}},"x":null}`;
    expect(registered(`[${event},{"e":{"key":"b"},"x":null}]`)).toMatchObject({
      kind: 'succeeded',
      events: [
        {
          event: { key: 'a\ufffd' },
          fault: expect.stringMatching(/'value'.*'metadata'/),
        },
        { event: { key: 'b' }, fault: null },
      ],
    });
  });

  it('are as many as the limit and not one more, whoever counted them', () => {
    expect(registered(list(limits.events, ''))).toMatchObject({ kind: 'succeeded', events: { length: limits.events } });
    const past = registered(list(limits.events + 1, ''));
    expect(past).toMatchObject({
      kind: 'failed',
      reason: 'limit_exceeded',
      error: { type: 'TooManyEvents' },
      events: [],
    });
    expect(registered(list(limits.events + 1, ''), failed)).toMatchObject({ reason: 'raised', events: [] });
  });

  it('are as long as the limit and not one byte longer', () => {
    // [{"k":"…"}]
    const filling = 'x'.repeat(limits.eventBytes - 10);
    expect(registered(list(1, filling))).toMatchObject({ kind: 'succeeded', events: { length: 1 } });
    expect(registered(list(1, `${filling}x`))).toMatchObject({ kind: 'failed', reason: 'limit_exceeded' });
  });
});
