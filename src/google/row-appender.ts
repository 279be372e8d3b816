import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';
import { AfterwordError } from '../domain/errors.ts';
import type { Cell, NewRow } from '../helpers/services.ts';
import { columnName, rowRange, rowsFrom, sheetName } from './a1.ts';
import { isBadRequest } from './google-errors.ts';
import { headerMark, isHeaderMark, isLeftover, isRowMark, rowMark, rowMarkId } from './row-mark.ts';
import { findRow, lastRow, placeCells, toCellData, type SheetView } from './sheet-view.ts';
import { deleteMark, type SpreadsheetApi } from './spreadsheet-api.ts';

/** How often somebody else may be first with the header of an empty sheet. */
const mostLooks = 3;
/** Of the end of a sheet, to find a row again; Google gives a new sheet 1,000. */
const windowRows = 1_000;
const mostSheetsKnown = 1_000;

export interface Appended {
  readonly updatedRange: string;
  readonly forget: (api: SpreadsheetApi) => Promise<void>;
}

/** Where the row goes: cells by the header, which is still to be written where the sheet is empty. */
interface Plan {
  readonly view: SheetView;
  readonly header: readonly string[];
  readonly headerIsNew: boolean;
  readonly cells: readonly Cell[];
}

/** Appends each row once: one request writes it together with its mark. */
export class RowAppender {
  /** The row that was written last, by spreadsheet and sheet: the next one is not above it. */
  readonly #lastRows = new Map<string, number>();
  /** Marks that could not be taken away, by spreadsheet. */
  readonly #leftovers = new Map<string, Set<number>>();

  async append(api: SpreadsheetApi, row: NewRow): Promise<Appended> {
    for (let looks = 1; ; looks += 1) {
      if (row.maybeWritten && looks === 1 && (await isWritten(api, row.key))) return this.#again(api, row);
      const plan = await makePlan(api, row.data);
      if (row.dryRun) return this.#asIfDone(api, plan);
      try {
        return await this.#write(api, plan, row.key);
      } catch (error) {
        if (!isBadRequest(error)) throw error;
        // Perhaps the id of a mark is taken: of the row's by an earlier request, or of the header's by somebody else.
        if (await isWritten(api, row.key)) return this.#again(api, row);
        if (!plan.headerIsNew || looks === mostLooks) throw error;
      }
    }
  }

  async #write(api: SpreadsheetApi, plan: Plan, key: string): Promise<Appended> {
    const { view, header, cells } = plan;
    const range = rowsFrom(view.title, this.#windowOf(api, view), header.length);
    const rows = await api.update([...this.#sweep(api, view), ...requestsFor(plan, key)], range);
    return this.#answer(api, plan, key, findRow(rows, cells) ?? findRow(await api.allRows(view), cells));
  }

  /** The row stands there; it is looked for by what is in it, since rows move. */
  async #again(api: SpreadsheetApi, { data, key }: NewRow): Promise<Appended> {
    const plan = await makePlan(api, data);
    return this.#answer(api, plan, key, findRow(await api.allRows(plan.view), plan.cells));
  }

  /** Where somebody has changed the row meanwhile nobody can say which it is: the columns, then. */
  #answer(api: SpreadsheetApi, { view, header }: Plan, key: string, row: number | undefined): Appended {
    const columns = `${sheetName(view.title)}!A:${columnName(header.length - 1)}`;
    if (row !== undefined) this.#remember(api, view, row);
    return {
      updatedRange: row === undefined ? columns : rowRange(view.title, row, header.length),
      forget: (later) => this.#forget(later, rowMarkId(key)),
    };
  }

  async #asIfDone(api: SpreadsheetApi, { view, header, headerIsNew }: Plan): Promise<Appended> {
    const last = headerIsNew ? 1 : (lastRow(await api.allRows(view)) ?? 1);
    return { updatedRange: rowRange(view.title, last + 1, header.length), forget: () => Promise.resolve() };
  }

  async #forget(api: SpreadsheetApi, metadataId: number): Promise<void> {
    try {
      await api.update([deleteMark(metadataId)]);
    } catch {
      const leftovers = this.#leftovers.get(api.spreadsheetId) ?? new Set();
      this.#leftovers.set(api.spreadsheetId, leftovers.add(metadataId));
    }
  }

  /** Only what is there: to delete what is not might be an error, and take the row with it. */
  #sweep({ spreadsheetId }: SpreadsheetApi, { marks }: SheetView): sheets_v4.Schema$Request[] {
    const known = this.#leftovers.get(spreadsheetId) ?? new Set();
    this.#leftovers.delete(spreadsheetId);
    return marks.flatMap((mark) =>
      mark.metadataId != null && isLeftover(mark, known) ? [deleteMark(mark.metadataId)] : [],
    );
  }

  #windowOf({ spreadsheetId }: SpreadsheetApi, { sheetId, rowCount }: SheetView): number {
    const last = this.#lastRows.get(`${spreadsheetId} ${String(sheetId)}`) ?? 1;
    return Math.min(Math.max(last, rowCount - windowRows, 1), rowCount);
  }

  #remember({ spreadsheetId }: SpreadsheetApi, { sheetId }: SheetView, row: number): void {
    if (this.#lastRows.size >= mostSheetsKnown) this.#lastRows.clear();
    this.#lastRows.set(`${spreadsheetId} ${String(sheetId)}`, row);
  }
}

async function makePlan(api: SpreadsheetApi, data: NewRow['data']): Promise<Plan> {
  const view = await api.look();
  if (view.header.length > 0) return underHeader(view, data);
  if (lastRow(await api.allRows(view)) === undefined) {
    const header = Object.keys(data);
    return { view, header, headerIsNew: true, cells: placeCells(header, data) };
  }
  // Somebody else may have written the header, and rows, since it was looked for.
  const later = await api.look();
  if (later.header.length > 0) return underHeader(later, data);
  throw new AfterwordError(
    'sheet_header_invalid',
    'row 1 of the sheet is empty although there are rows below; write a name over each column',
  );
}

function underHeader(view: SheetView, data: NewRow['data']): Plan {
  return { view, header: view.header, headerIsNew: false, cells: placeCells(view.header, data) };
}

/** Throws the retryable `helper_unavailable` where another call's mark has the same number. */
async function isWritten(api: SpreadsheetApi, key: string): Promise<boolean> {
  const mark = await api.findMark(rowMarkId(key));
  if (mark === undefined) return false;
  if (isRowMark(mark, key)) return true;
  throw new AfterwordError('helper_unavailable', 'the row of another call has the same mark; it is gone in a moment');
}

function requestsFor({ view, header, headerIsNew, cells }: Plan, key: string): sheets_v4.Schema$Request[] {
  const { sheetId, marks, columnCount } = view;
  const missing = header.length - columnCount;
  const fields = 'userEnteredValue';
  const oldHeaders = marks.flatMap((mark) => (isHeaderMark(mark) && mark.metadataId != null ? [mark.metadataId] : []));
  return [
    ...(headerIsNew
      ? [
          ...oldHeaders.map(deleteMark),
          { createDeveloperMetadata: { developerMetadata: headerMark(sheetId, marks) } },
          ...(missing > 0 ? [{ appendDimension: { sheetId, dimension: 'COLUMNS', length: missing } }] : []),
          { updateCells: { start: { sheetId, rowIndex: 0, columnIndex: 0 }, rows: [toRow(header)], fields } },
        ]
      : []),
    { createDeveloperMetadata: { developerMetadata: rowMark(key, sheetId) } },
    { appendCells: { sheetId, rows: [toRow(cells)], fields } },
  ];
}

function toRow(cells: readonly Cell[]): sheets_v4.Schema$RowData {
  return { values: cells.map(toCellData) };
}
