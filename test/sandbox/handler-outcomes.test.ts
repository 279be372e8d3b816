import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { limits, openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());
const run = (code: string, options?: HandlerOptions) => runHandler(sandbox, code, options);
const returning = (expression: string) => run(`def handle_event(context):\n    return ${expression}`);

async function failure(code: string, options?: HandlerOptions) {
  const { result, stderr } = await run(code, options);
  if (result.outcome !== 'failed') throw new Error(`expected a failure, got ${JSON.stringify(result)}`);
  return { ...result, stderr };
}

describe('a handler that succeeds', () => {
  it('gets the context and returns its result', async () => {
    const { result } = await run('def handle_event(context):\n    return context["a"]["b"][1]', {
      context: { a: { b: [1, 'zwei ✓'] } },
    });
    expect(result).toMatchObject({ outcome: 'succeeded', result: 'zwei ✓' });
    expect(result.runMs).toBeGreaterThan(0);
  });

  it.each([
    ['None', null],
    ['(1, (2.5, True))', [1, [2.5, true]]],
    ['{1: "a", 2.5: "b", True: "c", None: "d"}', { 1: 'c', 2.5: 'b', null: 'd' }],
    ['{"__proto__": {"x": 1}}', JSON.parse('{"__proto__": {"x": 1}}') as unknown],
    ['"\\ud800 and \\0"', '\ufffd and \ufffd'],
    ['__name__', 'handler'],
  ])('returns %s as JSON', async (expression, value) => {
    expect((await returning(expression)).result).toMatchObject({ outcome: 'succeeded', result: value });
  });

  it('may be a coroutine', async () => {
    const code = `
import asyncio
async def handle_event(context):
    await asyncio.sleep(0.001)
    return await asyncio.to_thread(lambda: "from a thread")`;
    expect((await run(code)).result).toMatchObject({ outcome: 'succeeded', result: 'from a thread' });
  });

  it('does not run what is guarded by __main__', async () => {
    const code = 'if __name__ == "__main__":\n    raise SystemExit\ndef handle_event(context): return 1';
    expect((await run(code)).result).toMatchObject({ outcome: 'succeeded' });
  });

  it('draws the same random numbers for the same seed, others for another', async () => {
    const code = 'import random\ndef handle_event(context): return [random.random(), list({"a", "b", "c", "d"})]';
    const drawn = async (randomSeed: string) =>
      JSON.stringify((await run(code, { randomSeed })).result).split('runMs')[0];
    expect(await drawn('x')).toBe(await drawn('x'));
    expect(await drawn('x')).not.toBe(await drawn('y'));
  });

  it('lives in UTC and can use time zones, dataclasses, decimals and regular expressions', async () => {
    const code = `
import dataclasses, datetime, decimal, re, time, typing, zoneinfo
@dataclasses.dataclass
class Point:
    x: "int"
def handle_event(context):
    assert typing.get_type_hints(Point) == {"x": int}
    noon = datetime.datetime(2024, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("America/New_York"))
    return [time.tzname[0], noon.utcoffset().total_seconds(), str(decimal.Decimal("0.1") * 3), re.sub("a+", "b", "caat")]`;
    expect((await run(code)).result).toMatchObject({ outcome: 'succeeded', result: ['UTC', -14400, '0.3', 'cbt'] });
  });

  it('is not kept alive by threads it leaves behind', async () => {
    const code = `
import threading, time
def handle_event(context):
    threading.Thread(target=lambda: time.sleep(600)).start()
    return "done"`;
    const { result } = await run(code);
    expect(result).toMatchObject({ outcome: 'succeeded', result: 'done' });
    expect(result.runMs).toBeLessThan(5_000);
  });

  it('finds none of our own modules', async () => {
    const code = 'def handle_event(context):\n    import afterword_cage';
    expect(await failure(code)).toMatchObject({ error: { type: 'ModuleNotFoundError' } });
  });
});

describe('output', () => {
  it('arrives by stream and in order with calls, whole lines or not', async () => {
    const code = `
import sys
def handle_event(context):
    print("one", end="")
    add_conversation_tag(context, "x")
    sys.stderr.write("two\\n")
    sys.stdout.buffer.write("drei ✓".encode())
    sys.stdout.flush()`;
    const { order, stdout, stderr } = await run(code);
    expect(order).toEqual(['one', 'add_conversation_tag', 'two\n', 'drei ✓']);
    expect([stdout, stderr]).toEqual(['onedrei ✓', 'two\n']);
  });

  it('is valid Unicode without NUL, whatever was printed', async () => {
    const { stdout } = await run(String.raw`def handle_event(context): print("a\0b\ud800c")`);
    expect(stdout).toBe('a\ufffdb\ufffdc\n');
  });
});

describe('print', () => {
  it('is the one Python has: separators, ends, other files, complaints', async () => {
    const code = `
import io
def handle_event(context):
    print(1, "two", None, sep="-", end=".")
    print(sep=None, end=None)
    memory = io.StringIO()
    print("x", "y", file=memory)
    with open("/dev/null", "w") as file:
        print("z", file=file, flush=True)
    try:
        print("a", sep=1)
    except TypeError as error:
        return [memory.getvalue(), str(error), print.__name__]`;
    const { result, stdout } = await run(code);
    expect(stdout).toBe('1-two-None.\n');
    expect(result).toMatchObject({ result: ['x y\n', 'sep must be None or a string, not int', 'print'] });
  });
});

describe('a handler that fails', () => {
  it('reports the exception with the user’s own frames, in the error and at the end of stderr', async () => {
    const code = `
import json, sys
def parse(text):
    return json.loads(text)
def handle_event(context):
    print("before", file=sys.stderr)
    parse("{")`;
    const { reason, error, stderr } = await failure(code);
    expect(reason).toBe('raised');
    expect(error.type).toBe('JSONDecodeError');
    expect(error.message).toMatch(/^Expecting property name/);
    expect(error.traceback).toMatch(
      /^Traceback \(most recent call last\):\n {2}File "handler.py", line 7, in handle_event\n/,
    );
    expect(error.traceback).toContain('    return json.loads(text)\n');
    expect(error.traceback.match(/File "/g)).toHaveLength(2);
    expect(stderr).toBe(`before\n${error.traceback}`);
  });

  it.each([
    ['raise KeyboardInterrupt', 'KeyboardInterrupt'],
    ['raise GeneratorExit', 'GeneratorExit'],
    ['handle_event(context)', 'RecursionError'],
    ['raise HelperError("no", "my_code")', 'HelperError'],
    ['class Odd(Exception):\n        def __str__(self): raise ValueError\n    raise Odd', 'Odd'],
  ])('calls %s raised', async (statement, type) => {
    expect(await failure(`def handle_event(context):\n    ${statement}`)).toMatchObject({
      reason: 'raised',
      error: { type },
    });
  });

  it('shows what an exception was caused by, ours left out there too', async () => {
    const code = `
def handle_event(context):
    try:
        int("x")
    except ValueError as error:
        raise RuntimeError("no number") from error`;
    const { error } = await failure(code);
    expect(error.traceback).toMatch(/ValueError: invalid literal[^]*direct cause[^]*RuntimeError: no number\n$/);
    expect(error.traceback).not.toContain('run_handler');
  });

  it('reports a syntax error with file, line and caret', async () => {
    const { reason, error, stderr } = await failure('x = 1\ndef handle_event(context:\n    return 1');
    expect(reason).toBe('syntax_error');
    expect(error.type).toBe('SyntaxError');
    expect(error.traceback).toMatch(/File "handler.py", line 2\n.*\n *\^/);
    expect(stderr).toBe(error.traceback);
  });

  it('tells what is wrong with source text that holds NUL or no entry point', async () => {
    expect(await failure('print("before")')).toMatchObject({
      reason: 'no_entry_point',
      error: { type: 'NoEntryPoint', traceback: '' },
      stderr:
        'NoEntryPoint: The handler has no function named handle_event and no Tool subclass. Write a function, ' +
        'def handle_event(context): ..., or a tool, class MyTool(Tool): ... with def execute(self, context): ...\n',
    });
    expect(await failure('handle_event = 5')).toMatchObject({ reason: 'no_entry_point' });
    expect(await failure('x = "\0"')).toMatchObject({ reason: 'syntax_error' });
  });

  it.each([
    ['{"a": [1, {2, 3}]}', /result\['a'\]\[1\] is of type set.*use list\(\)/],
    ['{"when": __import__("datetime").datetime.now()}', /result\['when'\] is of type datetime.*isoformat/],
    ['float("nan")', /result is nan/],
    ['[1, -1e999]', /result\[1\] is -inf/],
    ['10 ** 400', /number too large/],
    ['{(1, 2): 3}', /result has a key of type tuple/],
    ['(lambda a: a.append(a) or a)([])', /result\[0\] contains itself/],
    ['__import__("functools").reduce(lambda a, _: [a], range(300), 1)', /more than 200 levels deep/],
    ['__import__("functools").reduce(lambda a, _: [a], range(100000), 1)', /nested too deeply/],
  ])('says why %s is not JSON, and where', async (expression, message) => {
    const { reason, error, stderr } = await failure(`def handle_event(context):\n    return ${expression}`);
    expect({ reason, type: error.type }).toEqual({ reason: 'not_json', type: 'NotJson' });
    expect(error.message).toMatch(message);
    expect(stderr).toBe(`NotJson: ${error.message}\n`);
  });

  it('names sys.exit for what it is', async () => {
    for (const statement of ['import sys; sys.exit(3)', 'exit(3)', 'raise SystemExit(3)']) {
      const failed = await failure(`def handle_event(context):\n    ${statement}`);
      expect(failed).toMatchObject({ reason: 'exited', error: { type: 'SystemExit' } });
      expect(failed.error.message).toContain('sys.exit(3)');
    }
  });

  it.each([
    ['import os; os._exit(0)', /exit code 0/],
    ['import os, signal; os.kill(os.getpid(), signal.SIGKILL)', /SIGKILL/],
    ['import ctypes; ctypes.string_at(0)', /SIGSEGV/],
    ['import os; os.abort()', /SIGABRT/],
    ['import os; os.close(3)', /exit code/],
  ])('calls it a crash when the process is gone after %s', async (statement, message) => {
    const { reason, error, stderr } = await failure(
      `def handle_event(context):\n    print("before")\n    ${statement}`,
    );
    expect([reason, stderr]).toEqual(['crashed', '']);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['not JSON', 'b"what\\n"'],
    ['a second start', 'b\'{"t":"started"}\\n\''],
    ['a call out of order', 'b\'{"t":"call","id":7,"name":"x","args":{}}\\n\''],
    ['an endless line', 'b"x" * (4 << 20)'],
  ])('ends it when it writes %s to our connection', async (_, bytes) => {
    const code = `import socket, time\ndef handle_event(context):\n    socket.socket(fileno=3).sendall(${bytes})\n    time.sleep(60)`;
    const failed = await failure(code);
    expect(failed).toMatchObject({ reason: 'crashed', error: { type: 'ProtocolViolation' } });
    expect(failed.runMs).toBeLessThan(limits.wallMs);
  });

  it('gains nothing by forging its own result', async () => {
    const code = `
import os, socket, time
def handle_event(context):
    socket.socket(fileno=3).sendall(b'{"t":"done","ok":true,"v":"forged"}\\n')
    time.sleep(60)`;
    expect((await run(code)).result).toMatchObject({ outcome: 'succeeded', result: 'forged' });
  });
});
