/** What a cell holds, as `userEnteredValue`. */
export interface Value {
  readonly stringValue?: string;
  readonly numberValue?: number;
  readonly boolValue?: boolean;
}

export interface Metadata {
  readonly metadataId: number;
  readonly metadataKey: string;
  readonly metadataValue: string;
  readonly visibility: string;
  readonly sheetId: number;
}

export interface Sheet {
  readonly sheetId: number;
  title: string;
  hidden: boolean;
  /** The service account may read it only. */
  isProtected: boolean;
  rowCount: number;
  columnCount: number;
  /** Without the blanks at the end of a row; undefined: blank. */
  rows: (Value | undefined)[][];
}

export interface Spreadsheet {
  readonly spreadsheetId: string;
  /** Addresses that may edit it. */
  readonly editors: string[];
  readonly sheets: Sheet[];
  metadata: Metadata[];
}

/** As Google makes it: one sheet of 1,000 rows and 26 columns. */
export function newSheet(more: Partial<Sheet> = {}): Sheet {
  return {
    sheetId: 0,
    title: 'Sheet1',
    hidden: false,
    isProtected: false,
    rowCount: 1_000,
    columnCount: 26,
    rows: [],
    ...more,
  };
}

/** Rows up to the last that has something in it. */
export function filledRows({ rows }: Sheet): readonly (readonly (Value | undefined)[])[] {
  return rows.slice(0, rows.findLastIndex((row) => row.some((value) => value !== undefined)) + 1);
}

export function plainValue(value: Value | undefined): string | number | boolean | null {
  return value?.stringValue ?? value?.numberValue ?? value?.boolValue ?? null;
}
