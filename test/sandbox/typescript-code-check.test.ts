import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/config/package-root.ts';
import { limits } from '../../src/domain/limits.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { createCodeCheck } from '../../src/sandbox/code-check.ts';

/** Python is not asked: there is none. */
const checkCode = createCodeCheck({
  pythonPath: '/nonexistent/python3',
  helperNames: helpers.map(({ name }) => name),
});

/** Each finding as `error 3:5 message`. */
async function findingsIn(code: string, tool?: string): Promise<string[]> {
  const check = await checkCode(code, { language: 'typescript', tool });
  if (check.outcome === 'skipped') throw new Error(check.reason);
  return check.findings.map(({ severity, line, column, message }) => {
    const place = line === null ? '' : ` ${String(line)}:${String(column)}`;
    return `${severity}${place} ${message}`;
  });
}

const body = (text: string) => `export async function handleEvent(context: any, helpers: any) {\n${text}\n}\n`;
const example = readFileSync(join(packageRoot, 'examples/handlers/first_reply.ts'), 'utf8');

describe('code that is right is not complained of', () => {
  test.each([
    ['the example', example],
    ['a helper', body("await helpers.addConversationTag('a');")],
    ['no arguments', 'export function handleEvent() {}'],
    ['one with a default', 'export function handleEvent(context: any, helpers: any, verbose = false) {}'],
    ['a constant', 'export const handleEvent = async (context: unknown) => 1;'],
    ['an alias', 'const run = () => 1;\nexport { run as handleEvent };'],
    ['helpers taken apart', 'export function handleEvent(c: any, { addConversationTag }: any) {}'],
    ['names of its own', body('const process = { env: 1 }; return process.env;')],
    ['properties and labels', body('const a = { process: 1, Deno() {} }; return a.process;')],
    ['types of any name', body('let p: typeof process | undefined;')],
    ['types imported', "import type { Context } from 'afterword';\nexport function handleEvent(c: Context) {}"],
    ['the most that may be pushed', body('').padEnd(limits.handlerCodeBytes, '/')],
  ])('%s', async (_, code) => {
    expect(await findingsIn(code)).toEqual([]);
  });
});

describe('what cannot work is an error with its place', () => {
  test.each([
    ['const a: = 1;', 'error 1:10 Unexpected token'],
    ['let a = 1;\nlet a = 2;', "error 2:5 Identifier 'a' has already been declared"],
    [
      'const é = 1; enum A { B }',
      'error 1:14 types are erased before a handler runs, and this is more than a type, an enum: ',
    ],
    ['namespace A { export const b = 1 }', 'error 1:1 types are erased'],
    ['class A { constructor(private b: number) {} }', 'error 1:31 types are erased'],
    ["import { a } from 'b';", 'error 1:1 handlers are one file, and there is nothing to import'],
    [body("const a = await import('node:fs');"), 'error 2:17 handlers are one file'],
    [body('return import.meta.url;'), 'error 2:8 import.meta is not available in handlers'],
    ["export * from 'a';", 'error 1:1 handlers are one file'],
    ['export const other = 1;', 'error the file exports no function handleEvent(context, helpers)'],
    ['function handleEvent() {}', 'error 1:1 handleEvent is not exported; write export before it'],
    [
      'export function handle_event() {}',
      'error 1:1 the file exports no function handleEvent(context, helpers); is handle_event meant',
    ],
    ['export function handleEvent(a: any, b: any, c: any) {}', 'error 1:8 handleEvent is called with two arguments'],
    ['export function* handleEvent() {}', 'error 1:8 handleEvent is a generator'],
    [
      body("await helpers.addConversationTags('a');"),
      'error 2:15 there is no helper addConversationTags; did you mean addConversationTag?',
    ],
    [
      body("await helpers.add_conversation_tag('a');"),
      'error 2:15 there is no helper add_conversation_tag; did you mean addConversationTag?',
    ],
    [`const a = ${'['.repeat(100_000)}`, 'error the code is nested too deeply'],
  ])('%s', async (code, expected) => {
    const [first = ''] = await findingsIn(code);
    expect(first.slice(0, expected.length)).toBe(expected);
  });

  test('a tool', async () => {
    expect(await findingsIn(body(''), 'Mine')).toEqual([
      'error the settings name the tool Mine, and tools are written in Python',
    ]);
  });
});

test('what is not there is a warning, each name once', async () => {
  expect(
    await findingsIn(body('Deno.exit(1); Deno.exit(2);\n  console.log(process.env.A, helpers.unheardOf);')),
  ).toEqual([
    'warning 3:38 there is no helper unheardOf',
    'warning 2:1 Deno is not available in handlers; use context, helpers and fetch',
    'warning 3:15 process is not available in handlers; use context, helpers and fetch',
  ]);
});
