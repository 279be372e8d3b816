import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import { AfterwordError } from '../domain/errors.ts';
import type { Cell } from '../helpers/services.ts';

/** The first visible sheet, as one request tells of it. */
export interface SheetView {
  readonly sheetId: number;
  readonly title: string;
  readonly rowCount: number;
  readonly columnCount: number;
  /** Row 1 as it is shown, without the blanks at its end. */
  readonly header: readonly string[];
  readonly marks: readonly sheets_v4.Schema$DeveloperMetadata[];
}

export const viewFields =
  'sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),developerMetadata,data.rowData.values.formattedValue)';

export function toSheetView({ sheets }: sheets_v4.Schema$Spreadsheet): SheetView {
  const sheet = sheets?.[0];
  const { sheetId, title, gridProperties } = sheet?.properties ?? {};
  if (sheet === undefined || sheetId == null || title == null) {
    throw new AfterwordError('google_refused', 'the spreadsheet has no sheet with cells that is visible');
  }
  const header = (sheet.data?.[0]?.rowData?.[0]?.values ?? []).map(({ formattedValue }) => formattedValue ?? '');
  while (header.at(-1) === '') header.pop();
  return {
    sheetId,
    title,
    rowCount: gridProperties?.rowCount ?? 1,
    columnCount: gridProperties?.columnCount ?? 1,
    header,
    marks: sheet.developerMetadata ?? [],
  };
}

/** The row's cells in the order of the header. Throws `sheet_header_invalid`, `sheet_column_unknown`. */
export function placeCells(header: readonly string[], data: Readonly<Record<string, Cell>>): Cell[] {
  const twice = header.find((name, index) => name !== '' && header.indexOf(name) !== index);
  if (twice !== undefined) {
    const message = `row 1 of the sheet has the name ${JSON.stringify(twice)} twice; each column needs a name of its own`;
    throw new AfterwordError('sheet_header_invalid', message);
  }
  const unknown = Object.keys(data).filter((name) => !header.includes(name));
  if (unknown.length > 0) {
    const there = header.filter((name) => name !== '').map((name) => JSON.stringify(name));
    const message = `the sheet has no column ${unknown.map((name) => JSON.stringify(name)).join(', ')}; row 1 has ${there.join(', ')}`;
    throw new AfterwordError('sheet_column_unknown', message);
  }
  return header.map((name) => (name === '' ? null : (data[name] ?? null)));
}

/** Never a formula: those have a field of their own. */
export function toCellData(cell: Cell): sheets_v4.Schema$CellData {
  if (cell === null) return {};
  if (typeof cell === 'string') return { userEnteredValue: { stringValue: cell } };
  return { userEnteredValue: typeof cell === 'number' ? { numberValue: cell } : { boolValue: cell } };
}

/** Rows of a range, from its first row (counted from 1) on. */
export interface Rows {
  readonly first: number;
  readonly rows: readonly (readonly sheets_v4.Schema$ExtendedValue[])[];
}

export const rowFields = 'data(startRow,rowData.values.userEnteredValue)';

export function toRows(sheet: sheets_v4.Schema$Sheet | undefined): Rows {
  const grid = sheet?.data?.[0];
  const rows = (grid?.rowData ?? []).map(({ values }) => (values ?? []).map((cell) => cell.userEnteredValue ?? {}));
  return { first: (grid?.startRow ?? 0) + 1, rows };
}

/** The last row with these cells, counted from 1. */
export function findRow({ first, rows }: Rows, cells: readonly Cell[]): number | undefined {
  const index = rows.findLastIndex((row) => cells.every((cell, column) => holds(row[column] ?? {}, cell)));
  return index === -1 ? undefined : first + index;
}

/** The last row with anything in it, counted from 1. */
export function lastRow({ first, rows }: Rows): number | undefined {
  const index = rows.findLastIndex((row) => row.some((value) => Object.keys(value).length > 0));
  return index === -1 ? undefined : first + index;
}

function holds({ stringValue, numberValue, boolValue }: sheets_v4.Schema$ExtendedValue, cell: Cell): boolean {
  return (stringValue ?? numberValue ?? boolValue ?? null) === cell;
}
