import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { getConversation } from '../../src/store/conversations.ts';
import { createConversationWriter } from '../../src/store/conversation-writer.ts';
import { closedEvent, organization, startSystem, type TestSystem } from '../setup/system.ts';
import { handler, useHandlers } from './spine-system.ts';

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

/** Tries each Python expression and returns what came of it: its value, or the code of the HelperError. */
function tries(cases: Readonly<Record<string, string>>): string {
  const lines = Object.entries(cases).map(([name, expression]) => `("${name}", lambda: ${expression}),`);
  return handler(`
results = {}
for name, attempt in [
${lines.map((line) => `    ${line}`).join('\n')}
]:
    try:
        results[name] = attempt()
    except HelperError as error:
        results[name] = error.code
return results`);
}

async function conversationOf(execution: ExecutionDetail | undefined) {
  return getConversation(system.store.db, organization, execution?.conversationId ?? '');
}

describe('each helper at its limit and one past it', () => {
  it('counts characters, not bytes, in tags, keys, values and events', async () => {
    const big = (helper: string, before: string, most: number) => ({
      [`${helper} ascii`]: `${helper}(context, ${before}"a" * ${String(most)})`,
      [`${helper} astral`]: `${helper}(context, ${before}"\\U0001F600" * ${String(most)})`,
      [`${helper} past`]: `${helper}(context, ${before}"a" * ${String(most + 1)})`,
      [`${helper} astral past`]: `${helper}(context, ${before}"\\U0001F600" * ${String(most + 1)})`,
    });
    const keys = (most: number, character: string) =>
      `set_conversation_metadata(context, ${character} * ${String(most)}, "v")`;
    await useHandlers(system, {
      limits: tries({
        ...big('add_conversation_tag', '', 100),
        ...big('set_conversation_metadata', '"k", ', 50_000),
        ...big('add_conversation_event', '', 1_000),
        'key ascii': keys(200, '"a"'),
        'key astral': keys(200, '"\\U0001F600"'),
        'key three bytes each': keys(200, '"\\u5b57"'),
        'key past': keys(201, '"a"'),
        'key astral past': keys(201, '"\\U0001F600"'),
        'get astral': 'get_conversation_metadata(context, "\\U0001F600" * 200)',
        'get past': 'get_conversation_metadata(context, "a" * 201)',
        'delete astral': 'delete_conversation_metadata(context, "\\U0001F600" * 200)',
        'delete past': 'delete_conversation_metadata(context, "a" * 201)',
      }),
    });
    const { limits: execution } = await system.run();
    const well = expect.objectContaining({ success: true });
    const result = execution?.result;
    for (const helper of ['add_conversation_tag', 'set_conversation_metadata', 'add_conversation_event']) {
      expect(result).toMatchObject({
        [`${helper} ascii`]: well,
        [`${helper} astral`]: well,
        [`${helper} past`]: 'invalid_arguments',
        [`${helper} astral past`]: 'invalid_arguments',
      });
    }
    expect(result).toMatchObject({
      'key ascii': well,
      'key astral': well,
      'key three bytes each': well,
      'key past': 'invalid_arguments',
      'key astral past': 'invalid_arguments',
      'get astral': 'v',
      'get past': 'invalid_arguments',
      'delete astral': well,
      'delete past': 'invalid_arguments',
    });
    expect(execution).toMatchObject({ status: 'succeeded', attempts: 1 });
    const { tags, metadata, timeline } = await conversationOf(execution);
    expect(tags.sort()).toEqual(['a'.repeat(100), '😀'.repeat(100)]);
    expect(metadata).toMatchObject({ k: '😀'.repeat(50_000) });
    expect(timeline).toHaveLength(2);
  });

  it('holds 200 keys, each of which may be written again, and not one more', async () => {
    const event = closedEvent();
    if (!('conversation' in event)) throw new Error('an event with its conversation');
    await useHandlers(system, {});
    await system.run(event);
    const writer = createConversationWriter(system.store.db, organization, event.conversation.id);
    for (let n = 1; n < limits.metadataPairs; n += 1) await writer.setMetadata(`key-${String(n)}`, 'v');
    await useHandlers(system, {
      pairs: tries({
        '200th': 'set_conversation_metadata(context, "last", "v")["success"]',
        '201st': 'set_conversation_metadata(context, "too many", "v")',
        again: 'set_conversation_metadata(context, "last", "w")["value"]',
        deleted: 'delete_conversation_metadata(context, "key-1")["success"]',
        freed: 'set_conversation_metadata(context, "too many", "v")["success"]',
      }),
    });
    const { pairs } = await system.run({ ...event, id: `${event.id ?? ''}-2` });
    expect(pairs?.result).toEqual({ '200th': true, '201st': 'limit_exceeded', again: 'w', deleted: true, freed: true });
  });

  it('takes 190 calls of one execution; one more ends it, without another attempt', async () => {
    const most = limits.helperCallsPerExecution;
    const reads = handler(`
for n in range(${String(most + 1)}):
    get_conversation_metadata(context, "k")
    print(n + 1)`);
    await useHandlers(system, { reads });
    const execution = (await system.run()).reads;
    const error = {
      type: 'LimitExceeded',
      message: expect.stringContaining(`more than the ${String(most)} helper calls`),
    };
    expect(execution).toMatchObject({ status: 'failed', reason: 'limit_exceeded', attempts: 1, error });
    expect(execution?.calls.map(({ state }) => state)).toEqual(Array.from({ length: most }, () => 'succeeded'));
    expect(execution?.stdout.trim().split('\n').at(-1)).toBe(String(most));
  }, 90_000);
});

describe('wrong arguments raise a HelperError with a code, and nothing is written', () => {
  const invalid = {
    'tag empty': 'add_conversation_tag(context, "")',
    'tag number': 'add_conversation_tag(context, 7)',
    'tag None': 'add_conversation_tag(context, None)',
    'tag list': 'add_conversation_tag(context, ["a"])',
    'tag missing': 'add_conversation_tag(context)',
    'tag twice': 'add_conversation_tag(context, "a", "b")',
    'tag unknown argument': 'add_conversation_tag(context, tag="a", colour="red")',
    'tag not JSON': 'add_conversation_tag(context, {1, 2})',
    'value number': 'set_conversation_metadata(context, "k", 7)',
    'value dict': 'set_conversation_metadata(context, "k", {"a": 1})',
    'value NaN': 'set_conversation_metadata(context, "k", float("nan"))',
    'key empty': 'set_conversation_metadata(context, "", "v")',
    'key None': 'get_conversation_metadata(context, None)',
    'delete bytes': 'delete_conversation_metadata(context, b"k")',
    'event None': 'add_conversation_event(context, None)',
    'event list': 'add_conversation_event(context, ["a"])',
    'event unknown field': 'add_conversation_event(context, {"title": "x"})',
    'event bad time': 'add_conversation_event(context, {"timestamp": "yesterday"})',
    'event long field': 'add_conversation_event(context, {"type": "x" * 1001})',
    'event attributes list': 'add_conversation_event(context, {"attributes": [1]})',
  };

  it('each of them', async () => {
    await useHandlers(system, { invalid: tries(invalid) });
    const { invalid: execution } = await system.run();
    expect(execution?.result).toEqual(
      Object.fromEntries(Object.keys(invalid).map((name) => [name, 'invalid_arguments'])),
    );
    expect(await conversationOf(execution)).toMatchObject({ tags: [], metadata: {}, timeline: [] });
  });

  it('one that is not caught fails the handler, with the helper and the argument in its message', async () => {
    await useHandlers(system, { uncaught: { code: handler('add_conversation_tag(context, "")'), attempts: 1 } });
    expect(await system.run()).toMatchObject({
      uncaught: {
        status: 'failed',
        reason: 'raised',
        error: { type: 'HelperError', message: 'add_conversation_tag: tag: the tag must not be empty' },
        calls: [{ state: 'refused', error: { code: 'invalid_arguments' } }],
      },
    });
  });
});

describe('what the helpers answer and write', () => {
  it('is as the seed says', async () => {
    await useHandlers(system, {
      answers: tries({
        tag: 'add_conversation_tag(context, "vip")',
        'tag again': 'add_conversation_tag(context, "vip")["success"]',
        'get nothing': 'get_conversation_metadata(context, "k")',
        set: 'set_conversation_metadata(context, "k", "")',
        get: 'get_conversation_metadata(context, "k")',
        delete: 'delete_conversation_metadata(context, "k")["success"]',
        'delete nothing': 'delete_conversation_metadata(context, "k")',
        text: 'add_conversation_event(context, "Refund agreed")',
        dict: 'add_conversation_event(None, {"type": "refund", "conversation_id": "another", "attributes": {"a": [1]}})["success"]',
        names: '[f["name"] for f in list_predefined_functions()]',
      }),
    });
    const { answers } = await system.run();
    const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
    expect(answers?.result).toEqual({
      tag: { success: true, message: expect.any(String), tagId: id },
      'tag again': true,
      'get nothing': null,
      set: { success: true, message: expect.any(String), key: 'k', value: '' },
      get: '',
      delete: true,
      'delete nothing': { success: false, message: 'Key not found' },
      text: { success: true, message: expect.any(String), eventId: id },
      dict: true,
      names: [
        'add_conversation_tag',
        'set_conversation_metadata',
        'get_conversation_metadata',
        'delete_conversation_metadata',
        'add_conversation_event',
        'llm_classify_binary',
        'llm_classify_category',
        'add_google_sheets_row',
        'is_holiday',
        'register_event',
        'list_predefined_functions',
      ],
    });
    const conversation = await conversationOf(answers);
    expect(conversation).toMatchObject({ tags: ['vip'], metadata: {} });
    const own = { conversation_id: conversation.id, source: 'tool-call', source_id: answers?.id };
    expect(conversation.timeline.map(({ description }) => description).sort()).toEqual(['Refund agreed', null]);
    for (const entry of conversation.timeline) expect(entry).toMatchObject(own);
  });
});
