import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { limits } from '../../src/domain/limits.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { createCodeCheck } from '../../src/sandbox/code-check.ts';
import '../setup/provided.ts';

const helperNames = [...helpers.map(({ name }) => name), 'is_holiday', 'llm_classify_binary'];
const checkCode = createCodeCheck({ pythonPath: inject('python') ?? 'python3', helperNames });

/** Each finding as `error 3:5 message`. */
async function findingsIn(code: string, tool?: string): Promise<string[]> {
  const check = await checkCode(code, { tool });
  if (check.outcome === 'skipped') throw new Error(check.reason);
  return check.findings.map(({ severity, line, column, message }) => {
    const place = line === null ? '' : ` ${String(line)}:${String(column)}`;
    return `${severity}${place} ${message}`;
  });
}

const entry = 'def handle_event(context):\n';
const tool = 'from weni import Tool\nclass Mine(Tool):\n    def execute(self, context):\n        pass\n';

describe('code that is right is not complained of', () => {
  const sources: Record<string, string> = {
    'a plain function': `${entry}    add_conversation_tag(context, "vip")\n`,
    'an async one': 'async def handle_event(context):\n    return 1\n',
    'a lambda': 'handle_event = lambda context: 1\n',
    'made by a call': 'import functools\ndef f(a, context): pass\nhandle_event = functools.partial(f, 1)\n',
    imported: 'from json import dumps as handle_event\n',
    'in a branch':
      'import sys\nif sys.platform:\n    def handle_event(context): pass\nelse:\n    handle_event = None\n',
    'in a try': 'try:\n    def handle_event(context): pass\nfinally:\n    pass\n',
    'made by a function, by global': 'def make():\n    global handle_event\n    handle_event = print\nmake()\n',
    'decorated, whatever its parameters': 'def d(f): return lambda context: f()\n@d\ndef handle_event(): pass\n',
    'a default beside the context': 'def handle_event(context, verbose=False): pass\n',
    'any arguments': 'def handle_event(*args, **more): pass\n',
    'a keyword with a default': 'def handle_event(context, *, verbose=False): pass\n',
    'a generator inside it': `${entry}    def numbers():\n        yield 1\n    return list(numbers())\n`,
    'a byte order mark': `\ufeff${entry}    pass\n`,
    'Windows line ends': 'def handle_event(context):\r\n    return 1\r\n',
    'a tool': tool,
    'a tool by the module': 'import weni\nclass Mine(weni.Tool): pass\n',
    'a tool of another name': 'from weni.tool import Tool as Base\nclass Mine(Base): pass\n',
    'a base of the toolkit that we do not know': 'from weni.more import Special\nclass Mine(Special): pass\n',
    'a function beside two tools': `${tool}class Other(Tool): pass\n${entry}    pass\n`,
    'a function of the user’s with a helper’s look': `def add_conversation_tags(c): pass\n${entry}    add_conversation_tags(context)\n`,
    'an import with a helper’s look': `from mine import add_conversation_tg\n${entry}    add_conversation_tg(context)\n`,
    'a parameter with a helper’s look': `def f(is_holidays): return is_holidays()\n${entry}    pass\n`,
    'a method with a helper’s look': `${entry}    return context.get("x").add_conversation_tg()\n`,
    'star imports': `from mine import *\n${entry}    add_conversation_tg(context, "x"); other()\n`,
    'an entry point by a star import': 'from mine import *\n',
    'names made at run time': `globals()["add_conversation_tg"] = print\n${entry}    add_conversation_tg(1)\n`,
    'an entry point made at run time': 'exec("def handle_event(context): pass")\n',
    'a missing name that is expected': `${entry}    try:\n        return unicode("x")\n    except NameError:\n        return "x"\n`,
    builtins: `${entry}    return [print, HelperError, __name__, len]\n`,
    comprehensions: `${entry}    return {a: [c for b in [1] for c in [b]] for a in range(2)}\n`,
    'every way to bind a name': `
import os.path as p, json.decoder
class C:
    field = 1
def f(a, /, b, *c, d, **e):
    nonlocals = 0
    def g():
        nonlocal nonlocals
        nonlocals += 1
        return nonlocals
    return a, b, c, d, e, g
def handle_event(context):
    for i, (j, *k) in []: print(i, j, k)
    with open("x") as w: print(w)
    try: pass
    except ValueError as err: print(err)
    if (n := 10): print(n)
    match context:
        case {"a": first, **rest}: return first, rest
        case [one, *others]: return one, others
        case str() as whole: return whole
    del n
    return p, json, C, f
`,
    'annotations that name nothing': `from __future__ import annotations\ndef handle_event(context: Context) -> Answer:\n    x: Unknown = 1\n    return x\n`,
    'every helper': `${entry}${helperNames.map((name) => `    ${name}(context)\n`).join('')}`,
  };

  test.each(Object.entries(sources))('%s', async (_what, code) => {
    expect(await findingsIn(code)).toEqual([]);
  });

  const folder = join(packageRoot, 'examples/handlers');
  test.each(readdirSync(folder).filter((name) => name.endsWith('.py')))('the example %s', async (name) => {
    expect(await findingsIn(readFileSync(join(folder, name), 'utf8'))).toEqual([]);
  });
});

describe('code that cannot work is found, with its place', () => {
  const missing = 'the file has no function handle_event(context) at its top level, and no Tool subclass';
  const one = 'handle_event is called with one argument: def handle_event(context): …';
  const sources: Record<string, [string, string]> = {
    'a bracket that is not closed': [
      'def handle_event(context:\n    pass\n',
      "error 1:17 '(' was never closed (SyntaxError)",
    ],
    indentation: [
      `${entry}pass\n`,
      'error 2:1 expected an indented block after function definition on line 1 (IndentationError)',
    ],
    'a return outside a function': ['return 1\n', "error 1:1 'return' outside function (SyntaxError)"],
    'an await outside a function': [
      `await f()\n${entry}    pass\n`,
      "error 1:1 'await' outside function (SyntaxError)",
    ],
    'a column after wide characters': [`${entry}    x = "é😀"; y = = 1\n`, 'error 2:19 invalid syntax (SyntaxError)'],
    nothing: ['x = 1\n', `error ${missing}`],
    'only comments': ['# nothing\n', `error ${missing}`],
    'a slip in its name': [
      'x = 1\ndef handle_events(context): pass\n',
      `error 2:1 ${missing}; is handle_events meant to be handle_event?`,
    ],
    'the TypeScript name': [
      'def handleEvent(context): pass\n',
      `error 1:1 ${missing}; is handleEvent meant to be handle_event?`,
    ],
    'inside a class': [
      'class A:\n    def handle_event(self, context): pass\n',
      `error 2:5 ${missing}; this one is inside something else`,
    ],
    'inside a function': [
      'def f():\n    def handle_event(context): pass\n',
      `error 2:5 ${missing}; this one is inside something else`,
    ],
    'another Tool': ['from other import Tool\nclass Mine(Tool): pass\n', `error ${missing}`],
    'only imported tools': ['from weni import Tool\n', `error ${missing}`],
    'two tools': [
      `${tool}class Other(Mine): pass\n`,
      "error the file has no function handle_event and 2 Tool subclasses (Mine, Other); name one as tool in the handler's settings",
    ],
    'no argument': ['def handle_event():\n    pass\n', `error 1:1 ${one}`],
    'two arguments': ['def handle_event(context, helpers):\n    pass\n', `error 1:1 ${one}`],
    'a keyword that must be there': ['def handle_event(context, *, key):\n    pass\n', `error 1:1 ${one}`],
    'a generator': [`${entry}    yield 1\n`, 'error 1:1 handle_event is a generator; return the result, not yield'],
    'a misspelt helper': [
      `${entry}    é = add_conversation_tg(context, "x")\n`,
      'error 2:9 there is no function add_conversation_tg; did you mean add_conversation_tag?',
    ],
    'a helper’s TypeScript name': [
      `${entry}    setConversationMetadata(context, "k", "v")\n`,
      'error 2:5 there is no function setConversationMetadata; did you mean set_conversation_metadata?',
    ],
    'a misspelt helper in an inner function': [
      `${entry}    def f():\n        return [is_holyday("DE") for _ in "x"]\n    return f()\n`,
      'error 3:17 there is no function is_holyday; did you mean is_holiday?',
    ],
    'a name that nothing defines': [
      `${entry}    return jsn.loads("1")\n`,
      'warning 2:12 jsn is not defined in this file',
    ],
    'a slip in a name of the user’s': [
      `def send_message(): pass\n${entry}    sendmessage()\n    sendmessage()\n`,
      'warning 3:5 sendmessage is not defined in this file; did you mean send_message?',
    ],
    'a slip in a builtin': [
      `${entry}    pritn(1)\n`,
      'warning 2:5 pritn is not defined in this file; did you mean print?',
    ],
  };

  test.each(Object.entries(sources))('%s', async (_what, [code, finding]) => {
    expect(await findingsIn(code)).toEqual([finding]);
  });

  test('a tool that the settings name and the file has not', async () => {
    expect(await findingsIn(tool, 'Mine')).toEqual([]);
    expect(await findingsIn(`${tool}class Other(Tool): pass\n`, 'Other')).toEqual([]);
    expect(await findingsIn(tool, 'Yours')).toEqual([
      'error the settings name the tool Yours, and the file has no such class',
    ]);
  });

  test('errors come before warnings, and of many findings the first 20', async () => {
    const names = Array.from({ length: 30 }, (_, n) => `    unknown_${String(n)}\n`).join('');
    const found = await findingsIn(`${entry}${names}    add_conversation_tg()\n`);
    expect(found).toHaveLength(20);
    expect(found[0]).toContain('error 32:5');
    expect(found[1]).toContain('warning 2:5 unknown_0 ');
  });
});

describe('hostile code', () => {
  test('is never run', async () => {
    const code = `import sys\nprint('{"findings": []}')\nsys.exit()\ndef handle_events(context): pass\n`;
    expect(await findingsIn(code)).toHaveLength(1);
  });

  test.each([
    ['brackets', '('.repeat(limits.handlerCodeBytes), 'too many nested parentheses'],
    ['signs', `x = ${'-'.repeat(limits.handlerCodeBytes - 10)}1`, 'nested too deeply'],
    ['attributes', `x = ${'a.'.repeat(limits.handlerCodeBytes / 2 - 10)}b`, 'nested too deeply'],
    ['sums', `x = 1${'+1'.repeat(limits.handlerCodeBytes / 2 - 10)}`, 'nested too deeply'],
    [
      'blocks',
      Array.from({ length: 200 }, (_, n) => `${' '.repeat(n)}if 1:\n`).join(''),
      'too many levels of indentation',
    ],
  ])('of %s without end is an error, not an end of the checker', async (_what, code, message) => {
    const found = await findingsIn(code);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(message);
  });

  test('with as many names as fit is checked all the same', async () => {
    const lines = Array.from({ length: 20_000 }, (_, n) => `n${String(n)}()\n`).join('');
    expect(await findingsIn(`${entry}    pass\n${lines}`)).toHaveLength(20);
  });

  test('text that is no code: half characters and NUL come as a finding', async () => {
    expect((await findingsIn(`${entry}    return "\ud800"\n`))[0]).toContain('error');
    expect((await findingsIn(`${entry}    return "\0"\n`))[0]).toContain('error');
  });
});

describe('without a Python that can read it', () => {
  test.each([
    ['nothing of that name', '/nonexistent/python3', '/nonexistent/python3 cannot be run'],
    ['another program', '/bin/true', '/bin/true cannot be run'],
    [
      'one that is too old',
      join(packageRoot, 'test/sandbox/fixtures/old-python-version'),
      'handlers need CPython 3.10 or newer',
    ],
  ])('%s: the check is skipped and says why', async (_what, pythonPath, reason) => {
    const check = await createCodeCheck({ pythonPath, helperNames })('x', {});
    expect(check).toMatchObject({ outcome: 'skipped', reason: expect.stringContaining(reason) });
  });
});

test('twenty at once all get their own answer', async () => {
  const codes = Array.from({ length: 20 }, (_, n) => `${entry}    undefined_${String(n)}\n`);
  const found = await Promise.all(codes.map((code) => findingsIn(code)));
  expect(found.flat()).toEqual(codes.map((_, n) => `warning 2:5 undefined_${String(n)} is not defined in this file`));
}, 60_000);
