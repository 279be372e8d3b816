import { ApiFault } from './api-fault.ts';
import type { Sheet, Spreadsheet } from './spreadsheet.ts';

/** A range of whole rows or of a part of them, counted from 0, the end not in it. */
export interface Range {
  readonly sheet: Sheet;
  readonly firstRow: number;
  readonly endRow: number;
  readonly endColumn: number;
}

/** `1:1`, `Sheet1`, `Sheet1!A5:C`, `'My sheet'!A1:B2`. */
export function parseRange(spreadsheet: Spreadsheet, text: string): Range {
  const { title, cells } = splitSheet(text);
  const match = /^([A-Z]*)(\d*)(?::([A-Z]*)(\d*))?$/.exec(cells);
  if (match === null) throw unparsable(text);
  const [, , firstRow, lastColumn, lastRow] = match;
  const sheet =
    title === undefined
      ? spreadsheet.sheets.find(({ hidden }) => !hidden)
      : spreadsheet.sheets.find((candidate) => candidate.title === title);
  if (sheet === undefined) throw unparsable(text);
  const range = {
    sheet,
    firstRow: firstRow ? Number(firstRow) - 1 : 0,
    endRow: lastRow ? Number(lastRow) : sheet.rowCount,
    endColumn: lastColumn ? columnIndex(lastColumn) + 1 : sheet.columnCount,
  };
  if (range.firstRow >= sheet.rowCount || range.endRow > sheet.rowCount || range.endColumn > sheet.columnCount) {
    const grid = `Max rows: ${String(sheet.rowCount)}, max columns: ${String(sheet.columnCount)}`;
    throw new ApiFault(400, 'INVALID_ARGUMENT', `Range (${text}) exceeds grid limits. ${grid}`);
  }
  return range;
}

/** Without a `!` it is cells of the first visible sheet, or else the name of a whole one. */
function splitSheet(text: string): { title: string | undefined; cells: string } {
  const at = text.lastIndexOf('!');
  if (at === -1 && /^[A-Z]{0,3}\d*(:[A-Z]{0,3}\d*)?$/.test(text)) return { title: undefined, cells: text };
  const title = at === -1 ? text : text.slice(0, at);
  return {
    title: title.startsWith("'") ? title.slice(1, -1).replaceAll("''", "'") : title,
    cells: at === -1 ? '' : text.slice(at + 1),
  };
}

function columnIndex(name: string): number {
  return Array.from(name).reduce((index, letter) => index * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

function unparsable(text: string): ApiFault {
  return new ApiFault(400, 'INVALID_ARGUMENT', `Unable to parse range: ${text}`);
}
