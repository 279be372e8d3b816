import { parseRange, type Range } from './ranges.ts';
import { filledRows, plainValue, type Metadata, type Sheet, type Spreadsheet, type Value } from './spreadsheet.ts';

/** A Spreadsheet resource: with grid data of these ranges, of which only the sheets they touch are answered. */
export function spreadsheetResource(spreadsheet: Spreadsheet, ranges: readonly string[]): object {
  const { spreadsheetId, sheets } = spreadsheet;
  if (ranges.length === 0) {
    return { spreadsheetId, sheets: sheets.map((sheet) => sheetResource(spreadsheet, sheet, [])) };
  }
  const parsed = ranges.map((range) => parseRange(spreadsheet, range));
  const touched = sheets.filter((sheet) => parsed.some((range) => range.sheet === sheet));
  return {
    spreadsheetId,
    sheets: touched.map((sheet) =>
      sheetResource(
        spreadsheet,
        sheet,
        parsed.filter((range) => range.sheet === sheet),
      ),
    ),
  };
}

function sheetResource(spreadsheet: Spreadsheet, sheet: Sheet, ranges: readonly Range[]): object {
  const { sheetId, title, hidden, rowCount, columnCount } = sheet;
  const metadata = spreadsheet.metadata.filter((one) => one.sheetId === sheetId);
  return {
    properties: {
      sheetId,
      title,
      index: spreadsheet.sheets.indexOf(sheet),
      sheetType: 'GRID',
      gridProperties: { rowCount, columnCount },
      ...(hidden ? { hidden } : {}),
    },
    ...(metadata.length === 0 ? {} : { developerMetadata: metadata.map(metadataResource) }),
    ...(ranges.length === 0 ? {} : { data: ranges.map(gridData) }),
  };
}

/** `startRow` is left out where it is 0, as all of Google's defaults are. */
function gridData({ sheet, firstRow, endRow, endColumn }: Range): object {
  const rows = filledRows(sheet).slice(firstRow, endRow);
  return {
    ...(firstRow === 0 ? {} : { startRow: firstRow }),
    ...(rows.length === 0 ? {} : { rowData: rows.map((row) => rowData(row.slice(0, endColumn))) }),
  };
}

function rowData(row: readonly (Value | undefined)[]): object {
  if (row.every((value) => value === undefined)) return {};
  return {
    values: row.map((value) =>
      value === undefined ? {} : { userEnteredValue: value, effectiveValue: value, formattedValue: shown(value) },
    ),
  };
}

function shown(value: Value): string {
  const plain = plainValue(value);
  return typeof plain === 'boolean' ? String(plain).toUpperCase() : String(plain);
}

export function metadataResource({ sheetId, ...metadata }: Metadata): object {
  return { ...metadata, location: { locationType: 'SHEET', sheetId } };
}
