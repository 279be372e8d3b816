import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/contract/json.ts';
import { limits } from '../../src/domain/limits.ts';
import type { OutsideHelper } from '../../src/helpers/helper.ts';
import { activityHelpers } from '../../src/helpers/registry.ts';
import type { HelperServices, NewRow, Question } from '../../src/helpers/services.ts';

const asked: Question[] = [];
const rows: NewRow[] = [];

/** Says yes, or the last option, and takes every row; the real ones are tested at their wire. */
const services: HelperServices = {
  llm: {
    choose(question) {
      asked.push(question);
      return Promise.resolve(question.options.includes('yes') ? 'yes' : (question.options.at(-1) ?? ''));
    },
  },
  sheets: {
    append(row) {
      rows.push(row);
      return Promise.resolve({ updatedRange: 'Sheet1!A2:B2', forget: () => Promise.resolve() });
    },
  },
};

function helperOf(name: string): OutsideHelper {
  const helper = activityHelpers.get(name);
  if (helper?.works !== 'outside') throw new Error(`there is no helper ${name} that works outside`);
  return helper;
}

async function call(
  name: string,
  args: JsonObject,
  more: { testRun?: boolean; firstTry?: boolean } = {},
): Promise<JsonValue> {
  const { answer } = await helperOf(name).call(args, {
    effectKey: 'execution-1/name/1',
    firstTry: true,
    testRun: false,
    timeoutMs: 1_000,
    signal: new AbortController().signal,
    services,
    ...more,
  });
  return answer;
}

const binary = (more: JsonObject = {}) =>
  call('llm_classify_binary', { prompt: 'Is it angry?', input: 'text', ...more });
const category = (more: JsonObject = {}) =>
  call('llm_classify_category', { prompt: 'Which?', input: 'text', options: ['a', 'b'], ...more });
const sheet = (data: JsonValue, more: JsonObject = {}) =>
  call('add_google_sheets_row', { sheet_id: 'abc', data, ...more });
const letters = (count: number) => 'a'.repeat(count);
const refused = (answer: Promise<unknown>, code = 'invalid_arguments') =>
  expect(answer).rejects.toMatchObject({ code });

describe('what an LLM is asked', () => {
  it('is the text as it is, and anything else as JSON', async () => {
    for (const [input, text] of [
      ['as it is', 'as it is'],
      ['', ''],
      [{ a: [1, null, 'é'] }, '{"a":[1,null,"é"]}'],
      [7, '7'],
      [false, 'false'],
      [null, 'null'],
      [[], '[]'],
    ] as const) {
      await binary({ input: input as JsonValue });
      expect(asked.at(-1)?.input).toBe(text);
    }
  });

  it('takes 200 KB of input and not a byte more, by what is sent', async () => {
    const most = limits.llmInputBytes;
    for (const ask of [binary, category]) {
      await ask({ input: letters(most) });
      await ask({ input: 'é'.repeat(most / 2) });
      await refused(ask({ input: letters(most + 1) }), 'limit_exceeded');
      await refused(ask({ input: [letters(most - 3)] }), 'limit_exceeded');
      await ask({ input: [letters(most - 4)] });
    }
  });

  it('takes a prompt of 20,000 characters and not one more', async () => {
    for (const ask of [binary, category]) {
      await ask({ prompt: '😀'.repeat(limits.llmPromptCharacters) });
      await refused(ask({ prompt: letters(limits.llmPromptCharacters + 1) }));
    }
  });

  it('takes 2 to 250 options of 1 to 200 characters', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => String(index));
    await expect(category({ options: many(limits.llmOptions) })).resolves.toBe(String(limits.llmOptions - 1));
    await refused(category({ options: many(limits.llmOptions + 1) }));
    await refused(category({ options: many(1) }));
    await category({ options: ['a', letters(limits.llmOptionCharacters)] });
    await refused(category({ options: ['a', letters(limits.llmOptionCharacters + 1)] }));
  });

  it.each<[string, JsonObject]>([
    ['no prompt', { prompt: '' }],
    ['a prompt that is no text', { prompt: 7 }],
    ['a fallback that is no bool', { fallback: 'yes' }],
    ['a fallback of 0', { fallback: 0 }],
    ['an unknown argument', { model: 'gpt' }],
  ])('refuses %s', async (_what, more) => {
    await refused(binary(more));
  });

  it.each<[string, JsonObject]>([
    ['options that are no list', { options: 'a, b' }],
    ['no option', { options: [] }],
    ['the same option twice', { options: ['a', 'b', 'a'] }],
    ['an empty option', { options: ['a', ''] }],
    ['an option that is no text', { options: ['a', 1] }],
    ['a fallback that is no option', { fallback: 'c' }],
    ['a fallback in other letters', { fallback: 'A' }],
    ['a fallback that is no text', { fallback: true }],
  ])('refuses %s', async (_what, more) => {
    await refused(category(more));
  });
});

describe('the fallback', () => {
  const of = (name: string, more: JsonObject) => helperOf(name).fallback({ prompt: 'p', input: 'i', ...more });

  it('counts when it is False, and is none when it is None or left out', () => {
    expect(of('llm_classify_binary', { fallback: false })).toBe(false);
    expect(of('llm_classify_binary', { fallback: true })).toBe(true);
    expect(of('llm_classify_binary', { fallback: null })).toBeUndefined();
    expect(of('llm_classify_binary', {})).toBeUndefined();
    expect(of('llm_classify_category', { options: ['a', 'b'], fallback: 'b' })).toBe('b');
    expect(of('llm_classify_category', { options: ['a', 'b'], fallback: null })).toBeUndefined();
  });

  it('is none where the arguments are wrong', () => {
    expect(of('llm_classify_category', { options: ['a', 'b'], fallback: 'c' })).toBeUndefined();
    expect(of('llm_classify_binary', { prompt: '', fallback: true })).toBeUndefined();
  });
});

describe('a row for Google Sheets', () => {
  it('keeps the types of its values; an empty text is blank', async () => {
    await expect(sheet({ Text: '007', Number: 1.5, Bool: false, None: null, Empty: '' })).resolves.toEqual({
      success: true,
      updatedRange: 'Sheet1!A2:B2',
    });
    expect(rows.at(-1)?.data).toEqual({ Text: '007', Number: 1.5, Bool: false, None: null, Empty: null });
  });

  it('is named after its call, checked again on a repeat, and not written in a test run', async () => {
    await sheet({ a: 1 });
    expect(rows.at(-1)).toMatchObject({ key: 'execution-1/name/1', maybeWritten: false, dryRun: false });
    await call('add_google_sheets_row', { sheet_id: 'abc', data: { a: 1 } }, { firstTry: false, testRun: true });
    expect(rows.at(-1)).toMatchObject({ maybeWritten: true, dryRun: true });
  });

  it('takes 200 columns and cells of 50,000 characters, and not one more', async () => {
    const columns = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`c${String(index)}`, 1]));
    await sheet(columns(limits.sheetColumns));
    await refused(sheet(columns(limits.sheetColumns + 1)));
    await sheet({ a: '😀'.repeat(limits.sheetCellCharacters) });
    await refused(sheet({ a: letters(limits.sheetCellCharacters + 1) }));
  });

  it.each<[string, JsonValue]>([
    ['no dict', ['a']],
    ['nothing', {}],
    ['blanks only', { a: '', b: null }],
    ['a list in a cell', { a: [1] }],
    ['a dict in a cell', { a: { b: 1 } }],
    ['a column without a name', { ' ': 1 }],
    ['a NUL in a cell', { a: 'x\u0000' }],
  ])('is refused when it is %s', async (_what, data) => {
    await refused(sheet(data));
  });

  it.each(['', 7, null, 'https://docs.google.com/spreadsheets/d/abc/edit', '../x', letters(201)])(
    'is refused for the spreadsheet %j',
    async (sheetId) => {
      await refused(sheet({ a: 1 }, { sheet_id: sheetId }));
    },
  );
});

it('the Web UI never shows a prompt, an input, a value or a spreadsheet', () => {
  const secret = 'my account is 12345';
  const shown = [
    helperOf('llm_classify_binary').show({ prompt: secret, input: secret }),
    helperOf('llm_classify_category').show({ prompt: secret, input: secret, options: [secret, 'b'] }),
    helperOf('add_google_sheets_row').show({ sheet_id: 'abc', data: { a: secret } }),
    helperOf('is_holiday').show({ country: 'US' }),
  ];
  expect(shown).toEqual(['llm_classify_binary', 'llm_classify_category', 'add_google_sheets_row', 'is_holiday "US"']);
});
