import { z } from 'zod';
import { ApiFault } from './api-fault.ts';
import { filledRows, type Sheet, type Spreadsheet, type Value } from './spreadsheet.ts';

const CellData = z.strictObject({
  userEnteredValue: z
    .strictObject({ stringValue: z.string(), numberValue: z.number(), boolValue: z.boolean() })
    .partial()
    .optional(),
});
const Rows = z.array(z.strictObject({ values: z.array(CellData) }));
const onlyValues = z.literal('userEnteredValue');
const byId = z.strictObject({ developerMetadataLookup: z.strictObject({ metadataId: z.int() }) });

const Request = z.union([
  z.strictObject({ appendCells: z.strictObject({ sheetId: z.int(), rows: Rows, fields: onlyValues }) }),
  z.strictObject({
    updateCells: z.strictObject({
      start: z.strictObject({ sheetId: z.int(), rowIndex: z.int(), columnIndex: z.literal(0) }),
      rows: Rows,
      fields: onlyValues,
    }),
  }),
  z.strictObject({
    appendDimension: z.strictObject({ sheetId: z.int(), dimension: z.literal('COLUMNS'), length: z.int().min(1) }),
  }),
  z.strictObject({
    createDeveloperMetadata: z.strictObject({
      developerMetadata: z.strictObject({
        metadataId: z.int().min(1).max(2_147_483_647),
        metadataKey: z.string().min(1),
        metadataValue: z.string(),
        visibility: z.enum(['PROJECT', 'DOCUMENT']),
        location: z.strictObject({ sheetId: z.int() }),
      }),
    }),
  }),
  z.strictObject({ deleteDeveloperMetadata: z.strictObject({ dataFilter: byId }) }),
]);
type Request = z.output<typeof Request>;

export const BatchUpdate = z.strictObject({
  requests: z.array(Request).min(1),
  includeSpreadsheetInResponse: z.boolean().default(false),
  responseIncludeGridData: z.boolean().default(false),
  responseRanges: z.array(z.string()).default([]),
});

/** Of the keys and values of one sheet. */
const metadataCharacters = 30_000;

/** Carries out all or throws ApiFault: the caller works on a copy. */
export function carryOut(spreadsheet: Spreadsheet, requests: readonly Request[]): void {
  for (const [index, request] of requests.entries()) {
    const kind = Object.keys(request)[0] ?? '';
    const fail = (message: string) =>
      new ApiFault(400, 'INVALID_ARGUMENT', `Invalid requests[${String(index)}].${kind}: ${message}`);
    carryOutOne(spreadsheet, request, fail);
  }
}

function carryOutOne(spreadsheet: Spreadsheet, request: Request, fail: (message: string) => ApiFault): void {
  if ('appendCells' in request) {
    const { sheetId, rows } = request.appendCells;
    const sheet = sheetOf(spreadsheet, sheetId, fail);
    write(sheet, filledRows(sheet).length, rows, fail);
  } else if ('updateCells' in request) {
    const { start, rows } = request.updateCells;
    const sheet = sheetOf(spreadsheet, start.sheetId, fail);
    if (start.rowIndex >= sheet.rowCount) throw fail('Attempting to write row outside of the grid');
    write(sheet, start.rowIndex, rows, fail);
  } else if ('appendDimension' in request) {
    sheetOf(spreadsheet, request.appendDimension.sheetId, fail).columnCount += request.appendDimension.length;
  } else if ('createDeveloperMetadata' in request) {
    const { location, ...metadata } = request.createDeveloperMetadata.developerMetadata;
    sheetOf(spreadsheet, location.sheetId, fail);
    if (spreadsheet.metadata.some(({ metadataId }) => metadataId === metadata.metadataId)) {
      throw fail(`Developer metadata with ID ${String(metadata.metadataId)} already exists.`);
    }
    spreadsheet.metadata.push({ ...metadata, sheetId: location.sheetId });
    const own = spreadsheet.metadata.filter(({ sheetId }) => sheetId === location.sheetId);
    const used = own.reduce(
      (sum, { metadataKey, metadataValue }) => sum + metadataKey.length + metadataValue.length,
      0,
    );
    if (used > metadataCharacters) throw fail('The developer metadata of the sheet is over its quota.');
  } else {
    const { metadataId } = request.deleteDeveloperMetadata.dataFilter.developerMetadataLookup;
    spreadsheet.metadata = spreadsheet.metadata.filter((metadata) => metadata.metadataId !== metadataId);
  }
}

function sheetOf(spreadsheet: Spreadsheet, sheetId: number, fail: (message: string) => ApiFault): Sheet {
  const sheet = spreadsheet.sheets.find((candidate) => candidate.sheetId === sheetId);
  if (sheet === undefined) throw fail(`No grid with id: ${String(sheetId)}`);
  return sheet;
}

function write(sheet: Sheet, at: number, rows: z.output<typeof Rows>, fail: (message: string) => ApiFault): void {
  if (sheet.isProtected) {
    throw fail('You are trying to edit a protected cell or object. Please contact the spreadsheet owner.');
  }
  for (const [offset, { values }] of rows.entries()) {
    if (values.length > sheet.columnCount) throw fail('Attempting to write column outside of the grid');
    const row = at + offset;
    while (sheet.rows.length <= row) sheet.rows.push([]);
    sheet.rows[row] = values.map(({ userEnteredValue }) => toValue(userEnteredValue));
    sheet.rowCount = Math.max(sheet.rowCount, row + 1);
  }
}

function toValue({
  stringValue,
  numberValue,
  boolValue,
}: NonNullable<z.output<typeof CellData>['userEnteredValue']> = {}): Value | undefined {
  if (stringValue !== undefined) return stringValue === '' ? undefined : { stringValue };
  if (numberValue !== undefined) return { numberValue };
  return boolValue === undefined ? undefined : { boolValue };
}
