import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGoogleStandIn, type GoogleStandIn } from '../../src/dev/stand-ins/google-sheets.ts';
import { googleError } from '../../src/dev/stand-ins/google/api-fault.ts';
import { columnName, rowRange, sheetName } from '../../src/google/a1.ts';
import { createSheets } from '../../src/google/create-sheets.ts';
import type { NewRow, Sheets } from '../../src/helpers/services.ts';

let standIn: GoogleStandIn;
let sheets: Sheets;
let count = 0;
beforeAll(async () => {
  standIn = await startGoogleStandIn();
  sheets = createSheets({ credentials: standIn.credentials, rootUrl: standIn.url });
});
afterAll(() => standIn.close());

/** A spreadsheet of the test's own; `header` is its first row. */
function spreadsheet(
  header: readonly string[] | null = ['Name', 'Age'],
  more: Parameters<GoogleStandIn['create']>[1] = {},
) {
  count += 1;
  const id = `sheet-${String(count)}`;
  return standIn.create(id, { ...(header === null ? {} : { rows: [header] }), ...more });
}

function row(spreadsheetId: string, data: NewRow['data'], more: Partial<NewRow> = {}): NewRow {
  count += 1;
  return {
    spreadsheetId,
    data,
    key: `execution-${String(count)}/add_google_sheets_row/1`,
    maybeWritten: false,
    dryRun: false,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
    ...more,
  };
}

const refusal = (appended: Promise<unknown>, code: string, text = '') =>
  expect(appended).rejects.toMatchObject({ code, message: expect.stringContaining(text) });

describe('a row', () => {
  it('goes below the last one, placed by the header, each value as it is', async () => {
    const { spreadsheetId: id } = spreadsheet(['Name', 'Age', 'Active', 'Note', 'Code']);
    const data = { Active: true, Name: '=1+1', Age: 41.5, Code: '007', Note: null };
    const first = await sheets.append(row(id, data));
    expect(first.updatedRange).toBe('Sheet1!A2:E2');
    const second = await sheets.append(row(id, { Note: 'only this' }));
    expect(second.updatedRange).toBe('Sheet1!A3:E3');
    expect(standIn.rows(id)).toEqual([
      ['Name', 'Age', 'Active', 'Note', 'Code'],
      ['=1+1', 41.5, true, null, '007'],
      [null, null, null, 'only this', null],
    ]);
  });

  it('goes below what stands outside of the columns, too, and names the sheet as ranges do', async () => {
    const { spreadsheetId: id, sheets: all } = spreadsheet(null, {
      rows: [['Name'], ['Ada'], ['', '', 'a note'], []],
      sheet: { title: "Bob's sheet", sheetId: 77 },
    });
    const { updatedRange } = await sheets.append(row(id, { Name: 'Bob' }));
    expect(updatedRange).toBe("'Bob''s sheet'!A4:A4");
    expect(all[0]?.sheetId).toBe(77);
  });

  it('is found in a long sheet, and when rows were deleted since the last one', async () => {
    const rows = [['Name'], ...Array.from({ length: 2_500 }, (_, index) => [`row ${String(index)}`])];
    const made = spreadsheet(null, { rows, sheet: { rowCount: 2_501 } });
    expect((await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }))).updatedRange).toBe('Sheet1!A2502:A2502');
    made.sheets[0]?.rows.splice(5);
    expect((await sheets.append(row(made.spreadsheetId, { Name: 'Bob' }))).updatedRange).toBe('Sheet1!A6:A6');
  });

  it('leaves a gap in the header blank and takes names of any letters', async () => {
    const { spreadsheetId: id } = spreadsheet(['Näme', '', ' two words ', '😀']);
    const { updatedRange } = await sheets.append(row(id, { Näme: 'a', ' two words ': 'b', '😀': 'c' }));
    expect(updatedRange).toBe('Sheet1!A2:D2');
    expect(standIn.rows(id)[1]).toEqual(['a', null, 'b', 'c']);
  });

  it('goes to the first sheet that is not hidden', async () => {
    const made = spreadsheet(['Hidden'], { sheet: { hidden: true, title: 'Old', sheetId: 1, rows: [] } });
    const visible = {
      ...made.sheets[0],
      sheetId: 2,
      title: 'New',
      hidden: false,
      isProtected: false,
      rowCount: 10,
      columnCount: 5,
      rows: [[{ stringValue: 'Name' }]],
    };
    made.sheets.push(visible);
    expect((await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }))).updatedRange).toBe('New!A2:A2');
  });
});

describe('the header', () => {
  it('of an empty sheet is made of the names of the data, wider than the sheet where it has to be', async () => {
    const { spreadsheetId: id } = spreadsheet(null, { sheet: { columnCount: 2 } });
    const { updatedRange } = await sheets.append(row(id, { Name: 'Ada', Age: 36, City: 'London' }));
    expect(updatedRange).toBe('Sheet1!A2:C2');
    await sheets.append(row(id, { City: 'Paris' }));
    expect(standIn.rows(id)).toEqual([
      ['Name', 'Age', 'City'],
      ['Ada', 36, 'London'],
      [null, null, 'Paris'],
    ]);
  });

  it('is made anew where somebody has cleared the sheet', async () => {
    const made = spreadsheet(null);
    await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }));
    made.sheets[0]?.rows.splice(0);
    await sheets.append(row(made.spreadsheetId, { City: 'Paris' }));
    expect(standIn.rows(made.spreadsheetId)).toEqual([['City'], ['Paris']]);
  });

  it('that is missing above rows, has a name twice or lacks a name of the data is refused', async () => {
    const missing = spreadsheet(null, { rows: [[''], ['Ada']] });
    await refusal(sheets.append(row(missing.spreadsheetId, { Name: 'Bob' })), 'sheet_header_invalid', 'empty');
    const twice = spreadsheet(['Name', 'Age', 'Name']);
    await refusal(sheets.append(row(twice.spreadsheetId, { Age: 1 })), 'sheet_header_invalid', '"Name" twice');
    const { spreadsheetId: id } = spreadsheet(['Name', '', 'Age']);
    const unknown = sheets.append(row(id, { Name: 'a', age: 1, City: 'x' }));
    await refusal(unknown, 'sheet_column_unknown', 'no column "age", "City"; row 1 has "Name", "Age"');
    for (const { spreadsheetId } of [missing, twice]) expect(standIn.rows(spreadsheetId).length).toBeLessThan(3);
    expect(standIn.rows(id)).toHaveLength(1);
  });
});

describe('rows that are appended at the same time all land', () => {
  it.each([
    ['in a sheet with a header', ['Name', 'N']],
    ['in an empty one, under one header', null],
  ])('%s', async (_where, header) => {
    const { spreadsheetId: id } = spreadsheet(header);
    const numbers = [1, 2, 3];
    // Workers of their own, that know nothing of each other.
    const ranges = await Promise.all(
      numbers.map(async (n) => {
        const own = createSheets({ credentials: standIn.credentials, rootUrl: standIn.url });
        const { updatedRange } = await own.append(row(id, { Name: 'x', N: n }));
        return updatedRange;
      }),
    );
    const [first, ...rows] = standIn.rows(id);
    expect(first).toEqual(['Name', 'N']);
    expect(rows.map(([, n]) => n).toSorted()).toEqual(numbers);
    expect(ranges.toSorted()).toEqual(['Sheet1!A2:B2', 'Sheet1!A3:B3', 'Sheet1!A4:B4']);
  });
});

describe('a row is written once', () => {
  it('when its answer was lost and it is asked for again', async () => {
    const { spreadsheetId: id } = spreadsheet();
    const asked = row(id, { Name: 'Ada' });
    standIn.fail({ on: `${id}:batchUpdate`, when: 'after', then: 'drop' });
    await refusal(sheets.append(asked), 'helper_unavailable');
    await sheets.append(row(id, { Name: 'Bob' }));
    const again = await sheets.append({ ...asked, maybeWritten: true });
    expect(again.updatedRange).toBe('Sheet1!A2:B2');
    expect(standIn.rows(id).map(([name]) => name)).toEqual(['Name', 'Ada', 'Bob']);
  });

  it('with the header of an empty sheet, too', async () => {
    const { spreadsheetId: id } = spreadsheet(null);
    const asked = row(id, { Name: 'Ada' });
    standIn.fail({ on: `${id}:batchUpdate`, when: 'after', then: googleError(503, 'UNAVAILABLE', 'Try again') });
    await refusal(sheets.append(asked), 'helper_unavailable');
    expect((await sheets.append({ ...asked, maybeWritten: true })).updatedRange).toBe('Sheet1!A2:A2');
    expect(standIn.rows(id)).toEqual([['Name'], ['Ada']]);
  });

  it('when two requests for it are under way at once, and nobody knows that there are two', async () => {
    const { spreadsheetId: id } = spreadsheet();
    const asked = row(id, { Name: 'Ada' });
    const ranges = await Promise.all([sheets.append(asked), sheets.append(asked)]);
    expect(ranges.map(({ updatedRange }) => updatedRange)).toEqual(['Sheet1!A2:B2', 'Sheet1!A2:B2']);
    expect(standIn.rows(id)).toHaveLength(2);
  });

  it('beside others that come at all moments while the empty sheet gets its header', async () => {
    const { spreadsheetId: id } = spreadsheet(null);
    const names = Array.from({ length: 30 }, (_, index) => `row ${String(index)}`);
    const appended = names.map(async (Name, index) => {
      await new Promise((resolve) => setTimeout(resolve, index));
      return sheets.append(row(id, { Name }));
    });
    await Promise.all(appended);
    const [header, ...rows] = standIn.rows(id);
    expect(header).toEqual(['Name']);
    expect(rows.flat().sort()).toEqual(names.toSorted());
  });

  it('when somebody has changed it meanwhile: then the answer names its columns', async () => {
    const made = spreadsheet();
    const asked = row(made.spreadsheetId, { Name: 'Ada' });
    await sheets.append(asked);
    made.sheets[0]?.rows.splice(1, 1, [{ stringValue: 'Ada L.' }]);
    expect((await sheets.append({ ...asked, maybeWritten: true })).updatedRange).toBe('Sheet1!A:B');
    expect(standIn.rows(made.spreadsheetId)).toHaveLength(2);
  });
});

describe('the mark of a row', () => {
  it('is taken away when its answer is recorded', async () => {
    const made = spreadsheet();
    const { forget } = await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }));
    expect(made.metadata).toMatchObject([{ metadataKey: 'afterword.row', visibility: 'PROJECT' }]);
    await forget();
    expect(made.metadata).toEqual([]);
  });

  it('goes with the next row where it could not be taken away', async () => {
    const made = spreadsheet();
    const { forget } = await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }));
    standIn.fail({ on: `${made.spreadsheetId}:batchUpdate`, then: googleError(429, 'RESOURCE_EXHAUSTED', 'Quota') });
    await forget();
    expect(made.metadata).toHaveLength(1);
    const next = row(made.spreadsheetId, { Name: 'Bob' });
    await sheets.append(next);
    expect(made.metadata).toMatchObject([{ metadataValue: expect.stringContaining(next.key) }]);
  });

  it('is swept a day after its worker died, and not before', async () => {
    const made = spreadsheet();
    await sheets.append(row(made.spreadsheetId, { Name: 'Ada' }));
    const [mark] = made.metadata;
    if (mark === undefined) throw new Error('no mark');
    const agedBy = (hours: number) => {
      const seconds = Math.floor(Date.now() / 1000) - hours * 3600;
      made.metadata = [{ ...mark, metadataValue: `old ${String(seconds)}` }];
    };
    agedBy(23);
    await sheets.append(row(made.spreadsheetId, { Name: 'Bob' }));
    expect(made.metadata).toHaveLength(2);
    agedBy(25);
    await sheets.append(row(made.spreadsheetId, { Name: 'Cy' }));
    expect(made.metadata).toMatchObject([{ metadataValue: expect.stringContaining('execution-') }]);
  });

  it('of another row with the same number is an error that passes, never a lost row', async () => {
    const made = spreadsheet();
    const asked = row(made.spreadsheetId, { Name: 'Ada' });
    await sheets.append(asked);
    const [mark] = made.metadata;
    if (mark === undefined) throw new Error('no mark');
    made.metadata = [{ ...mark, metadataValue: `another ${String(Math.floor(Date.now() / 1000))}` }];
    await refusal(sheets.append(asked), 'helper_unavailable', 'another call');
    expect(standIn.rows(made.spreadsheetId)).toHaveLength(2);
  });
});

describe('a dry run', () => {
  it('checks everything, writes nothing and answers as if done', async () => {
    const { spreadsheetId: id } = spreadsheet();
    const dry = (spreadsheetId: string, data: NewRow['data']) =>
      sheets.append(row(spreadsheetId, data, { dryRun: true }));
    const { updatedRange, forget } = await dry(id, { Name: 'Ada' });
    expect(updatedRange).toBe('Sheet1!A2:B2');
    await forget();
    await refusal(dry(id, { City: 'x' }), 'sheet_column_unknown');
    const empty = spreadsheet(null);
    expect((await dry(empty.spreadsheetId, { a: 1, b: 2 })).updatedRange).toBe('Sheet1!A2:B2');
    const writes = standIn.received.filter(
      ({ url }) => url.pathname.includes(`${id}:`) || url.pathname.includes(`${empty.spreadsheetId}:`),
    );
    expect(writes).toEqual([]);
  });
});

describe('what Google refuses', () => {
  it.each([
    ['a spreadsheet that does not exist', () => 'none', 'sheet_not_found', ''],
    [
      'one that is not shared',
      () => spreadsheet(['Name'], { shared: false }).spreadsheetId,
      'sheet_not_shared',
      'afterword@stand-in',
    ],
    [
      'one that is protected',
      () => spreadsheet(['Name'], { sheet: { isProtected: true } }).spreadsheetId,
      'sheet_protected',
      'protected',
    ],
  ])('%s', async (_what, make, code, text) => {
    await refusal(sheets.append(row(make(), { Name: 'Ada' })), code, text);
  });

  it.each([
    [
      'a 429',
      googleError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded', 'RATE_LIMIT_EXCEEDED'),
      'helper_unavailable',
      'quota',
    ],
    [
      'the quota as a 403',
      googleError(403, 'PERMISSION_DENIED', 'Quota', 'RATE_LIMIT_EXCEEDED'),
      'helper_unavailable',
      'quota',
    ],
    ['a 500', googleError(500, 'INTERNAL', 'Internal error'), 'helper_unavailable', '500'],
    ['a 502 of a proxy', { status: 502, body: '<html>' }, 'helper_unavailable', '502'],
    [
      'an API that is off',
      googleError(403, 'PERMISSION_DENIED', 'Sheets API has not been used', 'SERVICE_DISABLED'),
      'google_refused',
      'has not been used',
    ],
    [
      'a file that is no spreadsheet',
      googleError(400, 'FAILED_PRECONDITION', 'This operation is not supported for this document'),
      'google_refused',
      'not supported',
    ],
  ])('%s', async (_what, then, code, text) => {
    const { spreadsheetId: id } = spreadsheet();
    standIn.fail({ on: id, then });
    await refusal(sheets.append(row(id, { Name: 'Ada' })), code, text);
    expect(standIn.rows(id)).toHaveLength(1);
  });

  it('keeps its Retry-After, and asks once only', async () => {
    const { spreadsheetId: id } = spreadsheet();
    const before = standIn.received.length;
    standIn.fail({
      on: id,
      then: { ...googleError(429, 'RESOURCE_EXHAUSTED', 'Quota'), headers: { 'retry-after': '3' } },
    });
    await expect(sheets.append(row(id, { Name: 'Ada' }))).rejects.toMatchObject({ retryAfterMs: 3_000 });
    expect(standIn.received.length - before).toBe(1);
  });

  it('one that hangs or drops the connection is unavailable', async () => {
    const { spreadsheetId: id } = spreadsheet();
    standIn.fail({ on: id, then: 'hang' });
    await refusal(sheets.append(row(id, { Name: 'Ada' }, { timeoutMs: 200 })), 'helper_unavailable', 'in time');
    standIn.fail({ on: id, then: 'drop' });
    await refusal(sheets.append(row(id, { Name: 'Ada' })), 'helper_unavailable');
  });

  it('a quota of requests is counted by the stand-in as Google does', async () => {
    const small = await startGoogleStandIn({ quota: 2 });
    small.create('s', { rows: [['Name']] });
    const own = createSheets({ credentials: small.credentials, rootUrl: small.url });
    await own.append(row('s', { Name: 'Ada' }));
    await own.append(row('s', { Name: 'Bob' }));
    await refusal(own.append(row('s', { Name: 'Cy' })), 'helper_unavailable', 'quota');
    await small.close();
  });
});

describe('credentials', () => {
  it('of another key are refused with what the token endpoint said', async () => {
    const other = await startGoogleStandIn();
    const { spreadsheetId: id } = spreadsheet();
    const own = createSheets({ credentials: other.credentials, rootUrl: standIn.url });
    await refusal(own.append(row(id, { Name: 'Ada' })), 'google_refused', 'invalid_grant');
    await other.close();
  });

  it('a token endpoint that is down is unavailable', async () => {
    const down = await startGoogleStandIn();
    const own = createSheets({ credentials: down.credentials, rootUrl: down.url });
    down.create('s', { rows: [['Name']] });
    down.fail({ on: '/token', then: { status: 503, body: 'down' } });
    await refusal(own.append(row('s', { Name: 'Ada' })), 'helper_unavailable');
    await expect(own.append(row('s', { Name: 'Ada' }))).resolves.toMatchObject({ updatedRange: 'Sheet1!A2:A2' });
    await down.close();
  });

  it('a token that Google no longer takes is renewed', async () => {
    const { spreadsheetId: id } = spreadsheet();
    await sheets.append(row(id, { Name: 'Ada' }));
    standIn.fail({
      on: id,
      then: googleError(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials.'),
    });
    await expect(sheets.append(row(id, { Name: 'Bob' }))).resolves.toMatchObject({ updatedRange: 'Sheet1!A3:B3' });
  });

  it('may be the path of a file', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'afterword-google-')), 'key.json');
    writeFileSync(path, standIn.credentials);
    const { spreadsheetId: id } = spreadsheet();
    const own = createSheets({ credentials: path, rootUrl: standIn.url });
    await expect(own.append(row(id, { Name: 'Ada' }))).resolves.toMatchObject({ updatedRange: 'Sheet1!A2:B2' });
  });

  it.each(['/no/such/file.json', '{"type": "authorized_user"}', '{"private_key": "hunter2"', '{}'])(
    'that cannot be used stop the start, and are not shown: %s',
    (credentials) => {
      const make = () => createSheets({ credentials, rootUrl: undefined });
      expect(make).toThrow(/AFTERWORD_GOOGLE_CREDENTIALS/);
      expect(make).not.toThrow(/hunter2/);
    },
  );

  it('that are missing name the variable', async () => {
    const none = createSheets({ credentials: undefined, rootUrl: undefined });
    await refusal(none.append(row('s', { Name: 'Ada' })), 'google_not_configured', 'AFTERWORD_GOOGLE_CREDENTIALS');
  });
});

describe('ranges', () => {
  it.each([
    [0, 'A'],
    [25, 'Z'],
    [26, 'AA'],
    [701, 'ZZ'],
    [702, 'AAA'],
  ])('column %i is %s', (index, name) => {
    expect(columnName(index)).toBe(name);
  });

  it.each([
    ['Sheet_A', 'Sheet_A'],
    ['Rows_2', 'Rows_2'],
    ['My sheet', "'My sheet'"],
    ['A1', "'A1'"],
    ['R1C1', "'R1C1'"],
    ["it's", "'it''s'"],
    ['2026', "'2026'"],
  ])('the sheet %s is %s', (title, name) => {
    expect(sheetName(title)).toBe(name);
  });

  it('of a row', () => {
    expect(rowRange('My sheet', 5, 3)).toBe("'My sheet'!A5:C5");
  });
});
