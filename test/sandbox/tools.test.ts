import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createSandbox, type HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import '../setup/provided.ts';
import { limits, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ pythonPath: inject('python') ?? 'python3' });
});
afterAll(() => sandbox.close());

const imports = `
from weni import Tool
from weni.context import Context
from weni.events.event import Event
from weni.responses import TextResponse
def event(key="k", **more):
    return Event(event_name="weni_nexus_data", key=key, value_type="string", value="v", date="2026-01-05", **more)
`;
const run = (code: string, options?: HandlerOptions) => runHandler(sandbox, `${imports}${code}`, options);
const keysOf = (events: readonly { event: Record<string, unknown> }[]) => events.map(({ event }) => event.key);

async function eventsOf(code: string, options?: HandlerOptions) {
  const { result } = await run(code, options);
  if (result.outcome !== 'succeeded' && result.outcome !== 'failed') throw new Error(result.outcome);
  return { ...result, keys: keysOf(result.events) };
}

describe('a Tool as a handler', () => {
  it('is run with the six namespaces; its result is the data of its response', async () => {
    const code = `
class Sums(Tool):
    def execute(self, context: Context):
        spaces = ("credentials", "parameters", "globals", "contact", "project", "constants")
        return TextResponse(data={name: dict(getattr(context, name)) for name in spaces})`;
    const { result } = await run(code);
    expect(result).toMatchObject({
      outcome: 'succeeded',
      result: {
        credentials: { key: 'secret' },
        parameters: { event_type: 'conversation_closed', message: '' },
        globals: { currency: 'EUR' },
        contact: { urn: 'whatsapp:1' },
        project: { name: 'Example Shop', slug: 'example-shop' },
        constants: { tone: 'formal' },
      },
      events: [],
    });
  });

  it.each([
    ['the last of the customer', ['customer: first', 'customer: second', 'agent: third'], 'second'],
    ['nothing where the customer said nothing', ['agent: hello'], ''],
    ['nothing where nobody said anything', [], ''],
  ])('finds in parameters.message %s', async (_, lines, message) => {
    const messages = lines.map((line) => ({ sender: line.split(': ')[0], content: line.split(': ')[1] }));
    const code = `
class Echo(Tool):
    def execute(self, context):
        return TextResponse(data=context.parameters["message"])`;
    const { result } = await run(code, { context: { conversation: { messages } } });
    expect(result).toMatchObject({ result: message });
  });

  it('may answer all that the toolkit answers', async () => {
    const code = `
class Echo(Tool):
    def execute(self, context):
        return TextResponse(data=[1])`;
    expect((await run(code, { tool: { whole: true } })).result).toMatchObject({
      result: {
        result: { result: [1], messages_sent: [] },
        format: { msg: { text: 'Hello, how can I help you today?' } },
      },
    });
  });

  const two = `
class A(Tool):
    def execute(self, context): return TextResponse(data="A")
class B(A):
    def execute(self, context): return TextResponse(data="B")
`;
  it.each<[string, string, object, object]>([
    ['its only one', 'class A(Tool): pass', {}, { result: {} }],
    ['its only one, under two names', 'class A(Tool): pass\nB = A', {}, { result: {} }],
    ['the one that is named', two, { name: 'A' }, { result: 'A' }],
    ['the other that is named', two, { name: 'B' }, { result: 'B' }],
    ['handle_event where there is one', `${two}\ndef handle_event(context): return 1`, {}, { result: 1 }],
    [
      'the named one beside handle_event',
      `${two}\ndef handle_event(context): return 1`,
      { name: 'A' },
      { result: 'A' },
    ],
    ['none of two', two, {}, { reason: 'no_entry_point', error: { message: expect.stringContaining('(A, B)') } }],
    ['none that is not there', two, { name: 'C' }, { reason: 'no_entry_point' }],
    ['nothing named that is no tool', 'def C(context): return 1', { name: 'C' }, { reason: 'no_entry_point' }],
    ['not the one that was imported', '', {}, { reason: 'no_entry_point' }],
    ['no class that is no tool', 'class A: pass', {}, { reason: 'no_entry_point' }],
  ])('%s', async (_, code, tool, expected) => {
    expect((await run(code, { tool })).result).toMatchObject(expected);
  });

  it('without either of the two ways a handler is told of both', async () => {
    expect((await run('x = 1')).result).toMatchObject({
      reason: 'no_entry_point',
      error: {
        message: expect.stringMatching(/no function named handle_event and no Tool.*def handle_event.*class MyTool/),
      },
    });
  });

  it('may use requests of the toolkit only where the project has a token, and never a staging system', async () => {
    const code = `
import os
from weni.flows.client import FlowsClient
class A(Tool):
    def execute(self, context):
        return TextResponse(data=FlowsClient(context).base_url)`;
    const project = { auth_token: 'token' };
    const context = { credentials: {}, parameters: {}, globals: {}, contact: {}, constants: {} };
    expect((await run(code, { tool: { context: { ...context, project } } })).result).toMatchObject({
      result: 'https://flows.weni.ai',
    });
    expect((await run(code)).result).toMatchObject({ error: { type: 'FlowsClientConfigError' } });
  });
});

describe('events', () => {
  it('of a tool: legacy ones, its own, and those of the predefined function', async () => {
    const code = `
class A(Tool):
    def execute(self, context):
        register_event({"key": "plain"})
        self.register_event(event("own"))
        Event.register(event("legacy"))
        return TextResponse(data=1)`;
    expect((await eventsOf(code)).keys).toEqual(['legacy', 'own', 'plain']);
  });

  it('of a plain handler: legacy ones first, dicts and Events alike', async () => {
    const code = `
def handle_event(context):
    register_event(event("one"))
    Event.register(event("legacy"))
    register_event({"key": "two", "value": [1, None, 2.5, True]})
    return "done"`;
    const { keys, events } = await eventsOf(code);
    expect(keys).toEqual(['legacy', 'one', 'two']);
    expect(events[1]).toEqual({
      event: {
        event_name: 'weni_nexus_data',
        key: 'one',
        date: '2026-01-05',
        value_type: 'string',
        value: 'v',
        metadata: {},
      },
      fault: null,
    });
    expect(events[2]).toEqual({ event: { key: 'two', value: [1, null, 2.5, true] }, fault: null });
  });

  it('are taken as they are at the end, dicts as they were when they were registered', async () => {
    const code = `
def handle_event(context):
    later, plain = event("before"), {"key": "before"}
    register_event(later)
    register_event(plain)
    later.key = plain["key"] = "after"
    register_event(later)
    register_event(plain)`;
    expect((await eventsOf(code)).keys).toEqual(['after', 'before', 'after', 'after']);
  });

  it('that are not JSON keep what is, and say what is not', async () => {
    const code = `
import datetime
def handle_event(context):
    register_event({"key": "a", "metadata": {"at": datetime.date(2026, 1, 5)}, "value": float("nan")})
    register_event({"key": "b"})`;
    const { events } = await eventsOf(code);
    expect(events).toEqual([
      {
        event: { key: 'a', metadata: expect.stringContaining('datetime.date'), value: 'nan' },
        fault: expect.any(String),
      },
      { event: { key: 'b' }, fault: null },
    ]);
    expect(events[0]?.fault).toMatch(/event\['metadata'\]\['at'\] is of type date.*isoformat/);
  });

  it.each(['5', '"text"', 'None', 'Event', ''])('register_event(%s) is refused where it stands', async (argument) => {
    const code = `
def handle_event(context):
    try:
        register_event(${argument})
    except HelperError as error:
        return error.code`;
    expect(await eventsOf(code)).toMatchObject({
      // A class has to_dict too, which fails at the end.
      ...(argument === 'Event' ? { outcome: 'failed' } : { result: 'invalid_arguments', keys: [] }),
    });
  });

  it('register_event is a function that Python can look at, and needs no call to the host', async () => {
    const code = `
import inspect
def handle_event(context):
    register_event(event=event())
    return [str(inspect.signature(register_event)), register_event.__doc__, register_event({"key": 1})]`;
    const { result, calls } = await run(code);
    expect(result).toMatchObject({ result: ['(event)', 'Registers an analytics event.', null] });
    expect(calls).toEqual([]);
  });

  it.each([
    ['raises', 'raise ValueError("no")'],
    ['leaves', 'import sys\n        sys.exit(1)'],
    ['takes too much memory', 'filled = [0]\n        while True: filled.append(bytearray(10 ** 7))'],
    ['answers nothing', 'return None'],
    ['answers no JSON', 'return TextResponse(data={1, 2})'],
  ])('of a tool that %s are shown with the failure', async (_, statement) => {
    const code = `
class A(Tool):
    def execute(self, context):
        self.register_event(event("own"))
        register_event({"key": "plain"})
        Event.register(event("legacy"))
        ${statement}`;
    expect(await eventsOf(code)).toMatchObject({ outcome: 'failed', keys: ['legacy', 'own', 'plain'] });
  });

  it('of a plain handler that raises are shown with the failure', async () => {
    const code = `
def handle_event(context):
    register_event(event("plain"))
    Event.register(event("legacy"))
    raise ValueError("no")`;
    expect(await eventsOf(code)).toMatchObject({ reason: 'raised', keys: ['legacy', 'plain'] });
  });

  it('of a class that breaks when looked at break nothing else', async () => {
    const code = `
class Bad:
    def to_dict(self): raise RuntimeError("bad")
def handle_event(context):
    register_event(event("good"))
    register_event(Bad())
    raise ValueError("no")`;
    expect(await eventsOf(code)).toMatchObject({ error: { type: 'ValueError' }, keys: ['good'] });
    expect(await eventsOf(code.replace('raise ValueError("no")', ''))).toMatchObject({ error: { message: 'bad' } });
    const noDict = 'class Odd:\n    def to_dict(self): return 5\ndef handle_event(context): register_event(Odd())';
    expect(await eventsOf(noDict)).toMatchObject({ events: [{ event: {}, fault: expect.stringContaining('int') }] });
  });

  it('survive a registry that is not one', async () => {
    const code = 'def handle_event(context):\n    Event.registry = 5\n    register_event({"key": "k"})';
    expect(await eventsOf(code)).toMatchObject({ reason: 'raised', error: { type: 'TypeError' }, keys: ['k'] });
  });

  it('are as many as the limit and not one more', async () => {
    const code = (count: number) =>
      `def handle_event(context):\n    for n in range(${String(count)}): register_event({"key": n})`;
    expect(await eventsOf(code(limits.events))).toMatchObject({
      outcome: 'succeeded',
      keys: { length: limits.events },
    });
    expect(await eventsOf(code(limits.events + 1))).toMatchObject({
      reason: 'limit_exceeded',
      error: { type: 'TooManyEvents', message: expect.stringContaining('11 analytics events, more than the 10') },
      keys: { length: limits.events },
    });
  });

  it.each(['x', 'é'])('are as long as the limit and not a byte longer, of %s', async (character) => {
    // [{"k":"…"}]
    const characters = (limits.eventBytes - 10) / Buffer.byteLength(character);
    const code = (filling: string) => `def handle_event(context): register_event({"k": ${filling}})`;
    const full = `"${character}" * ${String(characters)}`;
    expect(await eventsOf(code(full))).toMatchObject({ outcome: 'succeeded', events: { length: 1 } });
    expect(await eventsOf(code(`${full} + "x"`))).toMatchObject({
      reason: 'limit_exceeded',
      error: { type: 'EventsTooLarge' },
      events: [],
    });
  });
});

describe('the deprecation of Event.register', () => {
  const warnings = (stderr: string) => stderr.split('DeprecationWarning').length - 1;

  it('stands in stderr once, however often and wherever it is called', async () => {
    const code = `
class A(Tool):
    def execute(self, context):
        Event.register(event("one"))
        for _ in range(3):
            Event.register(event("more"))
        return TextResponse(data=1)`;
    const { stderr, result } = await run(code);
    expect(warnings(stderr)).toBe(1);
    expect(stderr).toContain('Use self.register_event(event) inside your Tool instead.');
    expect(result).toMatchObject({ events: { length: 4 } });
    expect(warnings((await run(code)).stderr)).toBe(1);
  });

  it('does not stand there for the other ways', async () => {
    expect((await run('def handle_event(context): register_event(event())')).stderr).toBe('');
  });
});
