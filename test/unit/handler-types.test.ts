import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { contextJsonOf } from '../../src/activities/handler-context.ts';
import { declarations } from '../../src/handler-types/declarations.ts';
import { packageRoot } from '../../src/config/package-root.ts';
import { HandlerContext } from '../../src/contract/handler-context.ts';
import { eventTypeNames } from '../../src/domain/event-types.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { camelCase } from '../../src/sandbox/typescript/helper-description.ts';
import { Message } from '../../src/contract/conversation.ts';

const examples = join(packageRoot, 'examples', 'handlers');
const types = join(examples, 'afterword.d.ts');

test('examples/handlers/afterword.d.ts is what helpers and contracts say; `afterword types --out examples/handlers` writes it anew', () => {
  expect(readFileSync(types, 'utf8')).toBe(declarations());
});

describe('the TypeScript of a helper', () => {
  test.each(helpers.map((helper) => [helper.name, helper] as const))(
    '%s has the parameters of the Python one, in their order, but the context',
    (_name, { name, pythonParams, typescript, docs }) => {
      const python = pythonParams
        .split(', ')
        .filter((param) => param !== '' && param !== 'context')
        .map((param) => `${camelCase(param.replace(/=.*/u, ''))}${param.includes('=') ? '?' : ''}`);
      const given = [...typescript.params.matchAll(/(?:^|, )(\w+\??): /gu)].map(([, param]) => param);
      expect(given).toEqual(python);
      const text = declarations();
      expect(text).toContain(`  ${camelCase(name)}(${typescript.params}): Promise<${typescript.returns}>;\n`);
      for (const param of Object.keys(docs.params)) expect(text).toContain(`@param ${camelCase(param)} `);
    },
  );

  test('is not told in the words of Python', () => {
    expect(declarations()).not.toMatch(/\b(?:None|True|False|dicts?|raises|Weni)\b|\ba object/u);
  });
});

describe('the types hold for what a handler is really given', () => {
  const snapshot = {
    conversation: {
      id: 'i',
      publicId: 'p',
      subject: 's',
      businessSlug: 'b',
      initialChannel: null,
      latestChannel: 'email',
    },
    business: { name: 'B', slug: 'b' },
    customer: { email: 'a@example.com' },
  };
  const message = { sender: 'agent', timestamp: '2026-01-05T10:00:00Z', content: 'Hi', channel: 'email' };
  const messages = [message, { ...message, id: 'm', attachments: [{ url: 'u' }] }].map((one) => Message.parse(one));

  test.each([
    ['with all it may have', { ...snapshot, browser_session: { url: 'u' } }, 'agent'],
    ['with as little as it may have', { ...snapshot, customer: null }, null],
  ])('%s', (_what, context, actor) => {
    const json = contextJsonOf(
      {
        kind: 'begun',
        attempt: 1,
        turn: 1,
        executionKind: 'event',
        rootId: 'r',
        event: { eventId: 'e', type: eventTypeNames[0], occurredAt: new Date(), actor },
        contextJson: JSON.stringify(context),
        messagesJson: JSON.stringify(messages),
        handlerName: 'h',
        program: { language: 'typescript', code: '', settings: { attempts: 1 } },
        egress: {},
        userFailures: 0,
        lostInARow: 0,
      },
      1,
    );
    const given: unknown = JSON.parse(json);
    expect(HandlerContext.parse(given)).toEqual(given);
  });
});

/** Bodies of handlers, each with where and of what the compiler must complain; null: not at all. */
const cases: Record<string, readonly [body: string, fault: null | readonly [text: string, message: RegExp]]> = {
  'a handler that uses everything': [
    `
  const { conversation, business, customer, browser_session, args } = context;
  const type: 'conversation_closed' = args.event_type;
  const last = conversation.messages.at(-1);
  if (last?.sender === 'customer') await helpers.addConversationTag('unanswered');
  const urgent = await helpers.llmClassifyBinary('Is it urgent?', conversation.messages.map(({ content }) => content));
  const topic: string = await helpers.llmClassifyCategory('Topic?', conversation.subject, ['a', 'b'], null);
  const known: string | null = await helpers.getConversationMetadata('topic');
  if (known === null) await helpers.setConversationMetadata('topic', topic);
  else await helpers.deleteConversationMetadata('topic');
  await helpers.addConversationEvent('seen');
  const { eventId } = await helpers.addConversationEvent({ description: 'seen', attributes: { urgent } });
  const { updatedRange } = await helpers.addGoogleSheetsRow('id', { Subject: conversation.subject, Urgent: urgent, N: 1, Note: null });
  const free = await helpers.isHoliday('US', 'NY', undefined, args.occurred_at);
  await helpers.registerEvent({ key: 'topic', value_type: 'string', value: topic, metadata: { urgent } });
  const names = (await helpers.listPredefinedFunctions()).map(({ name }) => name);
  const answer = await fetch('https://crm.example.com', { method: 'POST', body: JSON.stringify({ customer, business }) });
  console.log(answer.status, browser_session?.url, args.actor ?? 'nobody', type);
  return { eventId, updatedRange, free, names };`,
    null,
  ],
  'an error of a helper': [
    `
  try {
    await helpers.addConversationTag('');
  } catch (error) {
    if (error instanceof HelperError && error.code === 'invalid_arguments') return error.message;
    throw new HelperError('mine', 'own_code');
  }`,
    null,
  ],
  'a wrong argument': ['await helpers.addConversationTag(7);', ['7', /'number' is not assignable to .*'string'/u]],
  'an argument too few': [
    "await helpers.setConversationMetadata('key');",
    ['setConversationMetadata', /Expected 2 arguments/u],
  ],
  'an argument too many': [
    "await helpers.getConversationMetadata('key', 'fallback');",
    ["'fallback'", /Expected 1 arguments/u],
  ],
  'a helper that is not there': ["await helpers.addConversationTags('vip');", ['addConversationTags', /Did you mean/u]],
  'the Python name': ["await helpers.add_conversation_tag('vip');", ['add_conversation_tag', /Did you mean/u]],
  'a field of the context that is not there': ['return context.conversation.topic;', ['topic', /does not exist/u]],
  'a field that may not be there': [
    'return context.browser_session.url;',
    ['context.browser_session', /possibly 'undefined'/u],
  ],
  'another type of event': [
    "return context.args.event_type === 'conversation_reopened';",
    ["context.args.event_type === 'conversation_reopened'", /no overlap/u],
  ],
  'a field of a timeline event that is not there': [
    "await helpers.addConversationEvent({ text: 'seen' });",
    ['text', /does not exist in type 'TimelineEventFields'/u],
  ],
  'an analytics event without its value': [
    "await helpers.registerEvent({ key: 'k', value_type: 'int' });",
    ["{ key: 'k', value_type: 'int' }", /'value' is missing/u],
  ],
  'a list in a cell': ["await helpers.addGoogleSheetsRow('id', { Tags: ['a'] });", ['Tags', /is not assignable/u]],
  'what Deno has and the cage has not': ["return Deno.readTextFile('/etc/passwd');", ['Deno', /Cannot find name/u]],
};

describe('the compiler, told of nothing else,', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afterword-types-'));
  let diagnostics: readonly ts.Diagnostic[];
  const fileOf = (name: string) => `${name.replaceAll(/\W/gu, '-')}.ts`;
  const textOf = (body: string) =>
    `export async function handleEvent(context: ClosedContext, helpers: Helpers) {\n${body}\n}\n`;

  beforeAll(() => {
    const config = ts.readConfigFile(join(examples, 'tsconfig.json'), (file) => ts.sys.readFile(file));
    const { options, fileNames } = ts.parseJsonConfigFileContent(config.config, ts.sys, examples);
    for (const [name, [body]] of Object.entries(cases)) writeFileSync(join(folder, fileOf(name)), textOf(body));
    const own = Object.keys(cases).map((name) => join(folder, fileOf(name)));
    expect(fileNames).toContain(types);
    diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([...fileNames, ...own], options));
  }, 120_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  const foundIn = (file: string) =>
    diagnostics
      .filter((one) => one.file !== undefined && basename(one.file.fileName) === file)
      .map((one) => ({
        text: one.file?.text.slice(one.start, (one.start ?? 0) + (one.length ?? 0)),
        message: ts.flattenDiagnosticMessageText(one.messageText, '\n'),
      }));

  test.each(Object.entries(cases))('%s', (name, [, fault]) => {
    const found = foundIn(fileOf(name));
    if (fault === null) {
      expect(found).toEqual([]);
      return;
    }
    expect(found).toEqual([{ text: fault[0], message: expect.stringMatching(fault[1]) }]);
  });

  test('takes every example, and the types themselves', () => {
    const files = readdirSync(examples).filter((file) => file.endsWith('.ts'));
    expect(files).toEqual(expect.arrayContaining(['afterword.d.ts', 'first_reply.ts']));
    expect(files.flatMap(foundIn)).toEqual([]);
    expect(diagnostics.filter(({ file }) => file === undefined)).toEqual([]);
  });
});
