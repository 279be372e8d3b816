/** What helpers ask outside: made by the worker, from its configuration and the organisation's credentials. */
export interface HelperServices {
  readonly llm: Llm;
  readonly sheets: Sheets;
}

/** Of an organisation. */
export type ServicesOf = (organizationId: string) => HelperServices;

export interface Question {
  /** What is to be decided, in the words of the handler's author. */
  readonly prompt: string;
  /** What it is to be decided about. */
  readonly input: string;
  /** At least two, distinct, not empty. */
  readonly options: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Llm {
  /**
   * One of the options, never anything else. Throws AfterwordError: `llm_not_configured`, `llm_failed` for a final no
   * or an answer that is none, the retryable `helper_unavailable`.
   */
  choose(question: Question): Promise<string>;
}

/** What a cell takes; null stays blank, and no text is empty. */
export type Cell = string | number | boolean | null;

export interface NewRow {
  readonly spreadsheetId: string;
  /** By column; at least one cell that is not blank. */
  readonly data: Readonly<Record<string, Cell>>;
  /** Names the row: with the same key it is written once. */
  readonly key: string;
  /** True where an earlier request for this row may have been carried out. */
  readonly maybeWritten: boolean;
  /** Checks everything and writes nothing. */
  readonly dryRun: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface WrittenRow {
  /** As the API writes ranges: `Sheet1!A5:C5`. */
  readonly updatedRange: string;
  /** Takes the mark away by which a repeat would find the row. */
  forget(): Promise<void>;
}

export interface Sheets {
  /**
   * Throws AfterwordError: `google_not_configured`, `google_refused`, `sheet_not_found`, `sheet_not_shared`,
   * `sheet_protected`, `sheet_header_invalid`, `sheet_column_unknown`, the retryable `helper_unavailable`.
   */
  append(row: NewRow): Promise<WrittenRow>;
}
