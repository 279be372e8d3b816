import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConversationEventInput } from '../../src/contract/conversation-event.ts';
import { ExecutionDetail } from '../../src/contract/execution.ts';
import { limits } from '../../src/domain/limits.ts';
import { startOutsideServices, tryEach, type OutsideServices } from '../integration/outside-services.ts';
import { handler, useHandlers } from '../integration/spine-system.ts';
import { startApi } from '../setup/api.ts';
import { closedEvent, startSystem, type TestSystem } from '../setup/system.ts';

let outside: OutsideServices;
let system: TestSystem;
beforeAll(async () => {
  outside = await startOutsideServices();
  system = await startSystem({ services: outside.services });
});
afterAll(async () => {
  await system.stop();
  await outside.close();
});

async function results(cases: Readonly<Record<string, string>>): Promise<unknown> {
  await useHandlers(system, { tries: handler(tryEach(cases)) });
  return (await system.run()).tries?.result;
}

const invalid = 'invalid_arguments';
const of = (character: string, count: number) => `"${character}" * ${String(count)}`;

describe('C 15. each helper at its limit and one past it', () => {
  test('llm_classify_binary', async () => {
    const ask = (prompt: string, input: string, more = '') => `llm_classify_binary(${prompt}, ${input}${more})`;
    expect(
      await results({
        yes: ask('"Is it about a refund?"', '"My refund is late"'),
        no: ask('"Is it about a refund?"', '{"messages": ["Where is it?"]}'),
        'prompt at the limit': ask(of('é', limits.llmPromptCharacters), '"x"'),
        'prompt past it': ask(of('é', limits.llmPromptCharacters + 1), '"x"'),
        'input at the limit': ask('"p"', of('a', limits.llmInputBytes)),
        'input past it': ask('"p"', of('a', limits.llmInputBytes + 1)),
        'input past it, with a fallback': ask('"p"', of('a', limits.llmInputBytes + 1), ', fallback=True'),
        'no prompt': ask('""', '"x"'),
        'prompt that is none': ask('None', '"x"'),
        'fallback that is no bool': ask('"p"', '"x"', ', fallback="no"'),
        'unknown argument': ask('"p"', '"x"', ', model="m"'),
        'no input': 'llm_classify_binary("p")',
        'a context first': 'llm_classify_binary(context, "p", "x")',
      }),
    ).toEqual({
      yes: true,
      no: false,
      'prompt at the limit': false,
      'prompt past it': invalid,
      'input at the limit': false,
      'input past it': 'limit_exceeded',
      'input past it, with a fallback': 'limit_exceeded',
      'no prompt': invalid,
      'prompt that is none': invalid,
      'fallback that is no bool': invalid,
      'unknown argument': invalid,
      'no input': invalid,
      'a context first': invalid,
    });
  });

  test('llm_classify_category', async () => {
    const ask = (options: string, more = '') => `llm_classify_category("Which?", "my delivery", ${options}${more})`;
    const many = (count: number) => `[str(n) for n in range(${String(count - 1)})] + ["delivery"]`;
    expect(
      await results({
        one: ask('["refund", "delivery"]'),
        'a tuple': ask('("delivery", "refund")'),
        'options at the limit': ask(many(limits.llmOptions)),
        'options past it': ask(many(limits.llmOptions + 1)),
        'option at the limit': ask(`["delivery", ${of('b', limits.llmOptionCharacters)}]`),
        'option past it': ask(`["delivery", ${of('b', limits.llmOptionCharacters + 1)}]`),
        'one option': ask('["delivery"]'),
        'the same twice': ask('["a", "a"]'),
        'no text': ask('["a", 1]'),
        'fallback outside': ask('["a", "b"]', ', fallback="c"'),
        'no options': 'llm_classify_category("Which?", "x")',
      }),
    ).toEqual({
      one: 'delivery',
      'a tuple': 'delivery',
      'options at the limit': 'delivery',
      'options past it': invalid,
      'option at the limit': 'delivery',
      'option past it': invalid,
      'one option': invalid,
      'the same twice': invalid,
      'no text': invalid,
      'fallback outside': invalid,
      'no options': invalid,
    });
  });

  test('add_google_sheets_row', async () => {
    const wide = Array.from({ length: limits.sheetColumns }, (_, index) => `c${String(index)}`);
    outside.google.create('wide', { rows: [wide], sheet: { columnCount: limits.sheetColumns } });
    outside.google.create('cells', { rows: [['Name', 'Age']] });
    outside.google.create('private', { rows: [['Name']], shared: false });
    outside.google.create('twice', { rows: [['Name', 'Name']] });
    outside.google.create('headless', { rows: [[''], ['Ada']] });
    outside.google.create('empty');
    const columns = (count: number) => `{f"c{n}": n for n in range(${String(count)})}`;
    const row = (sheet: string, data: string) => `add_google_sheets_row("${sheet}", ${data})`;
    const written = (range: string) => ({ success: true, updatedRange: range });
    expect(
      await results({
        'columns at the limit': row('wide', columns(limits.sheetColumns)),
        'columns past it': row('wide', columns(limits.sheetColumns + 1)),
        'cell at the limit': row('cells', `{"Name": ${of('é', limits.sheetCellCharacters)}, "Age": 36.5}`),
        'cell past it': row('cells', `{"Name": ${of('é', limits.sheetCellCharacters + 1)}}`),
        'no formula': row('cells', '{"Name": "=1+1"}'),
        'an empty sheet': row('empty', '{"First": True, "Second": None}'),
        'a list': row('cells', '{"Name": ["a"]}'),
        nothing: row('cells', '{}'),
        'an unknown column': row('cells', '{"name": "a"}'),
        'a header twice': row('twice', '{"Name": "a"}'),
        'no header': row('headless', '{"Name": "a"}'),
        'not there': row('nowhere', '{"Name": "a"}'),
        'not shared': row('private', '{"Name": "a"}'),
        'an address': row('https://docs.google.com/x', '{"Name": "a"}'),
      }),
    ).toEqual({
      'columns at the limit': written('Sheet1!A2:GR2'),
      'columns past it': invalid,
      'cell at the limit': written('Sheet1!A2:B2'),
      'cell past it': invalid,
      'no formula': written('Sheet1!A3:B3'),
      'an empty sheet': written('Sheet1!A2:B2'),
      'a list': invalid,
      nothing: invalid,
      'an unknown column': 'sheet_column_unknown',
      'a header twice': 'sheet_header_invalid',
      'no header': 'sheet_header_invalid',
      'not there': 'sheet_not_found',
      'not shared': 'sheet_not_shared',
      'an address': invalid,
    });
    expect(
      outside.google
        .rows('cells')
        .slice(1)
        .map(([, age]) => age ?? null),
    ).toEqual([36.5, null]);
    expect(outside.google.rows('cells')[2]).toEqual(['=1+1', null]);
    expect(outside.google.rows('empty')).toEqual([
      ['First', 'Second'],
      [true, null],
    ]);
  });

  test('is_holiday', async () => {
    expect(
      await results({
        christmas: 'is_holiday("US", check_date="2026-12-25")',
        'the eve': 'is_holiday("US", check_date="2026-12-24")',
        'of a state': 'is_holiday("US", "NY", None, "2026-02-12")',
        'of a region': 'is_holiday("DE", state="BY", region="A", check_date="2026-08-08")',
        today: 'is_holiday("US") in (True, False)',
        'an unknown country': 'is_holiday("XX")',
        'an unknown state': 'is_holiday("US", "ZZ")',
        'an unknown region': 'is_holiday("US", "LA", "ZZ")',
        'a date that does not exist': 'is_holiday("US", check_date="2026-02-30")',
        'no date': 'is_holiday("US", check_date="soon")',
        'a number': 'is_holiday("US", check_date=20261225)',
        'an unknown argument': 'is_holiday("US", year=2026)',
        'no country': 'is_holiday()',
      }),
    ).toEqual({
      christmas: true,
      'the eve': false,
      'of a state': true,
      'of a region': true,
      today: true,
      'an unknown country': invalid,
      'an unknown state': invalid,
      'an unknown region': invalid,
      'a date that does not exist': invalid,
      'no date': invalid,
      'a number': invalid,
      'an unknown argument': invalid,
      'no country': invalid,
    });
  });

  // Tags, metadata and timeline events: test/integration/spine-helpers.test.ts.
});

describe('C 17. list_predefined_functions', () => {
  test('names every helper of the seed, with its exact signature', async () => {
    await useHandlers(system, { list: handler('return list_predefined_functions()') });
    const listed = z
      .array(z.object({ name: z.string(), signature: z.string(), description: z.string().min(1) }))
      .parse((await system.run()).list?.result);
    expect(listed.map(({ signature }) => signature)).toEqual(
      expect.arrayContaining([
        'add_conversation_tag(context, tag)',
        'set_conversation_metadata(context, key, value)',
        'get_conversation_metadata(context, key)',
        'delete_conversation_metadata(context, key)',
        'add_conversation_event(context, event)',
        'llm_classify_binary(prompt, input, fallback=None)',
        'llm_classify_category(prompt, input, options, fallback=None)',
        'add_google_sheets_row(sheet_id, data)',
        'is_holiday(country, state=None, region=None, check_date=None)',
        'list_predefined_functions()',
      ]),
    );
    for (const { name, signature } of listed) expect(signature).toMatch(new RegExp(`^${name}\\(`));
  });
});

describe('C 20. a test run', () => {
  test('asks the LLM and the calendar for real, and checks a sheet without writing to it', async () => {
    const input = ConversationEventInput.parse(closedEvent({ type: 'conversation_reopened' }));
    if (!('conversation' in input)) throw new Error('an event with its conversation');
    const sheet = `test-run-${randomUUID()}`;
    outside.google.create(sheet, { rows: [['Name'], ['Ada']] });
    const code = handler(
      tryEach({
        llm: 'llm_classify_category("Which?", "my delivery", ["refund", "delivery"])',
        holiday: 'is_holiday("US", check_date="2026-12-25")',
        row: `add_google_sheets_row("${sheet}", {"Name": "Bob"})`,
        'a column that is unknown': `add_google_sheets_row("${sheet}", {"City": "x"})`,
      }),
    );
    const api = await startApi(system);
    await api.request('PUT', `/conversations/${input.conversation.id}`, input.conversation);
    const answer = await api.request('POST', '/test-runs', {
      conversation: input.conversation.id,
      eventType: 'conversation_closed',
      code,
    });
    await api.stop();
    expect(ExecutionDetail.parse(answer.body).result).toEqual({
      llm: 'delivery',
      holiday: true,
      row: { success: true, updatedRange: 'Sheet1!A3:A3' },
      'a column that is unknown': 'sheet_column_unknown',
    });
    expect(outside.google.rows(sheet)).toEqual([['Name'], ['Ada']]);
    expect(outside.google.find(sheet).metadata).toEqual([]);
  });
});
