import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import { sheetName } from './a1.ts';
import { rowFields, toRows, toSheetView, viewFields, type Rows, type SheetView } from './sheet-view.ts';

type Request = sheets_v4.Schema$Request;

/** The requests that appending a row takes, of one spreadsheet. */
export class SpreadsheetApi {
  readonly #spreadsheets: sheets_v4.Resource$Spreadsheets;
  readonly spreadsheetId: string;
  readonly #options: { readonly signal: AbortSignal; readonly retry: false };

  constructor({ spreadsheets }: sheets_v4.Sheets, spreadsheetId: string, signal: AbortSignal) {
    this.#spreadsheets = spreadsheets;
    this.spreadsheetId = spreadsheetId;
    this.#options = { signal, retry: false };
  }

  /** A range without a sheet is one of the first visible sheet. */
  async look(): Promise<SheetView> {
    const { spreadsheetId } = this;
    const { data } = await this.#spreadsheets.get(
      { spreadsheetId, ranges: ['1:1'], fields: viewFields },
      this.#options,
    );
    return toSheetView(data);
  }

  /** All of it: a range that reaches beyond the grid would be an error. */
  async allRows(view: SheetView): Promise<Rows> {
    const { spreadsheetId } = this;
    const { data } = await this.#spreadsheets.get(
      { spreadsheetId, ranges: [sheetName(view.title)], fields: `sheets(${rowFields})` },
      this.#options,
    );
    return toRows(data.sheets?.[0]);
  }

  /** All of the requests or none. Answers the rows of that range as they are afterwards. */
  async update(requests: readonly Request[], rangeAfter?: string): Promise<Rows> {
    const { data } = await this.#spreadsheets.batchUpdate(
      {
        spreadsheetId: this.spreadsheetId,
        fields: `updatedSpreadsheet.sheets(${rowFields})`,
        requestBody: {
          requests: [...requests],
          ...(rangeAfter === undefined
            ? {}
            : { includeSpreadsheetInResponse: true, responseIncludeGridData: true, responseRanges: [rangeAfter] }),
        },
      },
      this.#options,
    );
    return toRows(data.updatedSpreadsheet?.sheets?.[0]);
  }

  async findMark(metadataId: number): Promise<sheets_v4.Schema$DeveloperMetadata | undefined> {
    const { data } = await this.#spreadsheets.developerMetadata.search(
      {
        spreadsheetId: this.spreadsheetId,
        requestBody: { dataFilters: [{ developerMetadataLookup: { metadataId } }] },
      },
      this.#options,
    );
    return data.matchedDeveloperMetadata?.[0]?.developerMetadata;
  }
}

export function deleteMark(metadataId: number): Request {
  return { deleteDeveloperMetadata: { dataFilter: { developerMetadataLookup: { metadataId } } } };
}
