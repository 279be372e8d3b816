import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { defineOutsideHelper } from './define-helper.ts';
import type { Cell } from './services.ts';
import { text } from './text-length.ts';

const cells = limits.sheetCellCharacters.toLocaleString('en');

const CellValue = z.union([text('a cell', { max: limits.sheetCellCharacters }), z.number(), z.boolean(), z.null()], {
  error: (issue) =>
    typeof issue.input === 'string'
      ? `must be at most ${cells} characters without the NUL character`
      : 'must be a text, a number, True, False or None; write lists and dicts as text, by json.dumps',
});

const Row = z
  .record(z.string(), CellValue, { error: 'must be a dict of column names and values' })
  .superRefine((data, context) => {
    const columns = Object.entries(data);
    const refuse = (message: string) => context.addIssue({ code: 'custom', message });
    if (columns.length > limits.sheetColumns) refuse(`must be at most ${String(limits.sheetColumns)} columns`);
    if (columns.some(([name]) => name.trim() === '')) refuse('the name of a column must not be empty');
    if (columns.every(([, value]) => toCell(value) === null)) refuse('must have a value that is not blank');
  });

/** Sheets keeps no empty text: the cell is blank. */
function toCell(value: z.output<typeof CellValue>): Cell {
  return value === '' ? null : value;
}

export const addGoogleSheetsRow = defineOutsideHelper({
  name: 'add_google_sheets_row',
  summary: 'Appends a row to the first sheet of a Google spreadsheet, values placed by the names in its row 1.',
  pythonParams: 'sheet_id, data',
  typescript: {
    params: 'sheetId: string, data: Record<string, string | number | boolean | null>',
    returns: '{ success: boolean; updatedRange: string }',
  },
  effect: 'external',
  docs: {
    params: {
      sheet_id: "the spreadsheet's id, as in its address between `/d/` and `/edit`",
      data:
        `a dict of 1 to ${String(limits.sheetColumns)} columns, by the names in row 1; each value a text of at most ${cells} ` +
        'characters, a number, `True`, `False` or `None` (blank), at least one of them not blank',
    },
    returns: '`{success, updatedRange}`, such as `Sheet1!A5:C5`',
    errors: {
      google_not_configured: 'the worker knows no Google account',
      google_refused: 'Google does not take the credentials, the Sheets API is off, or the request is wrong',
      sheet_not_found: 'no spreadsheet has this id',
      sheet_not_shared: 'the service account may not edit it; the message names its address',
      sheet_protected: 'the row would stand in a protected range',
      sheet_header_invalid: 'row 1 is empty although there are rows below, or has the same name twice',
      sheet_column_unknown: 'row 1 does not have a name of the data; the message lists those there are',
      helper_unavailable: 'Google could not be reached, or its quota is used up',
    },
    notes: [
      'The names in row 1 are compared letter by letter; columns that the data does not name stay blank. An empty sheet first gets ' +
        'the names of the data as its row 1. Values are written as they are: a text stays a text, also `=1+1` or `007`; numbers and ' +
        'booleans keep their type. The first sheet is the first that is not hidden.',
      'A row is written once, also when its worker dies between the request and its answer: the same request leaves a mark in ' +
        "the spreadsheet (developer metadata that only this service account's project sees), a repeat finds it, and it is taken away when the answer is " +
        'recorded. A row takes one read and two writes of the quota of Google (60 each a minute for an account).',
    ],
  },
  input: z.strictObject({
    sheet_id: z
      .string({ error: 'must be a string' })
      .regex(/^[A-Za-z0-9_-]{1,200}$/, 'must be the id of a spreadsheet, not its address'),
    data: Row,
  }),
  async run({ sheet_id: spreadsheetId, data }, { services, effectKey, firstTry, testRun, timeoutMs, signal }) {
    const { updatedRange, forget } = await services.sheets.append({
      spreadsheetId,
      data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, toCell(value)])),
      key: effectKey,
      maybeWritten: !firstTry,
      dryRun: testRun,
      timeoutMs,
      signal,
    });
    return { answer: { success: true, updatedRange }, afterRecord: forget };
  },
});
