import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HandlerSandbox } from '../../src/sandbox/create-sandbox.ts';
import { openSandbox, runHandler, type HandlerOptions } from './running.ts';

let sandbox: HandlerSandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(() => sandbox.close());
const run = (body: string, options?: HandlerOptions) =>
  runHandler(sandbox, `def handle_event(context):\n    ${body.replaceAll('\n', '\n    ')}`, options);

/** What a call raised, as [code, message]. */
const refused = async (call: string, options?: HandlerOptions) => {
  const body = `try:\n    ${call}\nexcept HelperError as error:\n    return [error.code, str(error)]`;
  const { result, calls } = await run(body, options);
  return { answer: result.outcome === 'succeeded' ? result.result : result, calls };
};

describe('a helper call', () => {
  it.each([
    ['add_conversation_tag(context, "vip")', { tag: 'vip' }],
    ['add_conversation_tag("anything", tag="vip")', { tag: 'vip' }],
    ['add_conversation_tag(tag="vip", context=object())', { tag: 'vip' }],
    ['llm_classify_binary("p", {"a": (1, 2)}, fallback=False)', { prompt: 'p', input: { a: [1, 2] }, fallback: false }],
    ['llm_classify_binary("p", "i")', { prompt: 'p', input: 'i' }],
  ])('sends the arguments of %s by name, without the context', async (call, args) => {
    const { result, calls } = await run(`return ${call}`, {
      answer: () => ({ ok: true, value: { answer: [1, null] } }),
    });
    expect(calls).toEqual([{ name: call.split('(')[0], args }]);
    expect(result).toMatchObject({ outcome: 'succeeded', result: { answer: [1, null] } });
  });

  it.each([
    ['add_conversation_tag(context)', /missing a required argument: 'tag'.*add_conversation_tag\(context, tag\)/],
    ['add_conversation_tag(context, "a", "b")', /too many positional arguments/],
    ['add_conversation_tag(context, tag="a", colour="red")', /unexpected keyword argument 'colour'/],
    ['add_conversation_tag(context, {1, 2})', /tag is of type set/],
    ['llm_classify_binary("p", [float("inf")])', /input\[0\] is inf/],
    ['list_predefined_functions(1)', /too many positional arguments/],
  ])('refuses %s before it leaves the cage', async (call, message) => {
    const { answer, calls } = await refused(call);
    expect(answer).toEqual(['invalid_arguments', expect.stringMatching(message)]);
    expect(calls).toEqual([]);
  });

  it('refuses arguments no storage could hold', async () => {
    const call = 'llm_classify_binary("p", __import__("functools").reduce(lambda a, _: [a], range(250), 1))';
    expect(await refused(call)).toEqual({
      answer: ['invalid_arguments', expect.stringContaining('more than 200 levels deep')],
      calls: [],
    });
  });

  it('raises HelperError with the host’s code and message', async () => {
    const answer = () =>
      ({ ok: false, error: { code: 'tag_too_long', message: 'A tag has at most 100 characters' } }) as const;
    const refusedByHost = await refused('add_conversation_tag(context, "x")', { answer });
    expect(refusedByHost.answer).toEqual(['tag_too_long', 'A tag has at most 100 characters']);
    const { result } = await run('add_conversation_tag(context, "x")', { answer });
    expect(result).toMatchObject({
      reason: 'raised',
      error: { type: 'HelperError', message: 'A tag has at most 100 characters' },
    });
    expect(result).toHaveProperty('error.traceback', expect.stringMatching(/\nHelperError: A tag has/) as string);
  });

  it('from several threads is made one at a time, each with its own answer', async () => {
    let open = 0;
    let mostOpen = 0;
    const { result, calls } = await run(
      `from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    return list(pool.map(lambda n: add_conversation_tag(context, n), range(20)))`,
      {
        answer: async ({ args }) => {
          mostOpen = Math.max(mostOpen, (open += 1));
          await new Promise((resolve) => setTimeout(resolve, 1));
          open -= 1;
          return { ok: true, value: args.tag ?? null };
        },
      },
    );
    expect(result).toMatchObject({ result: Array.from({ length: 20 }, (_, index) => index) });
    expect([calls.length, mostOpen]).toEqual([20, 1]);
  });

  it.each([
    ['"x" * 990', '"x" * 991'],
    ['"é" * 495', '"é" * 495 + "x"'],
    ['["\\ud800"] * 165', '["\\ud800"] * 164 + ["x" * 5]'],
  ])('may have arguments as long as the limit and not a byte longer: %s, %s', async (within, past) => {
    const options = { limits: { callBytes: 1000 } };
    expect(await refused(`add_conversation_tag(context, ${within})`, options)).toMatchObject({
      answer: null,
      calls: [{ name: 'add_conversation_tag' }],
    });
    expect(await refused(`add_conversation_tag(context, ${past})`, options)).toEqual({
      answer: [
        'limit_exceeded',
        'add_conversation_tag(): the arguments are 1001 bytes of JSON, more than the 1000 allowed. Pass less.',
      ],
      calls: [],
    });
  });

  it('is refused with arguments far too long, and the handler goes on', async () => {
    const { result, calls } = await run(`try:
    llm_classify_binary("p", "é" * 5_000_000)
except HelperError as error:
    return [error.code, add_conversation_tag(context, "too long")]`);
    expect(result).toMatchObject({ outcome: 'succeeded', result: ['limit_exceeded', { success: true }] });
    expect(calls).toEqual([{ name: 'add_conversation_tag', args: { tag: 'too long' } }]);
  });

  it('can carry 200 KB there and back', async () => {
    const text = 'é'.repeat(100_000);
    const answer = () => ({ ok: true, value: text }) as const;
    const { result, calls } = await run('return len(llm_classify_binary("p", "é" * 100_000))', { answer });
    expect(calls[0]?.args.input).toBe(text);
    expect(result).toMatchObject({ result: 100_000 });
  });
});

describe('the helpers', () => {
  it('show their signature and summary to Python', async () => {
    const { result } = await run(
      'import inspect\nreturn [str(inspect.signature(llm_classify_binary)), llm_classify_binary.__doc__, add_conversation_tag.__name__]',
    );
    expect(result).toMatchObject({ result: ['(prompt, input, fallback=None)', 'Yes or no.', 'add_conversation_tag'] });
  });

  it('are all named by list_predefined_functions, itself included, without a call', async () => {
    const { result, calls } = await run('return list_predefined_functions()');
    expect(result).toMatchObject({
      result: [
        {
          name: 'add_conversation_tag',
          signature: 'add_conversation_tag(context, tag)',
          description: 'Adds a tag to the conversation.',
        },
        { name: 'llm_classify_binary' },
        { name: 'register_event', signature: 'register_event(event)' },
        { name: 'list_predefined_functions', signature: 'list_predefined_functions()' },
      ],
    });
    expect(calls).toEqual([]);
  });
});
