import type { ErrorEntry } from './error-entry.ts';
import { errorTable, type ErrorCode } from './error-table.ts';

export { errorTable, type ErrorCode, type ErrorEntry };

export interface FieldError {
  /** Where, as a path such as `conversation.messages.3.sender`. */
  readonly field: string;
  readonly message: string;
}

export class AfterwordError extends Error {
  override readonly name = 'AfterwordError';
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];
  /** Who was asked wants to be left alone that long. */
  readonly retryAfterMs: number | undefined;

  /** `detail` says what and where, for people. */
  constructor(
    code: ErrorCode,
    detail: string,
    options: { cause?: unknown; fields?: readonly FieldError[]; retryAfterMs?: number | undefined } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? [];
    this.retryAfterMs = options.retryAfterMs;
  }

  get entry(): ErrorEntry {
    return errorTable[this.code];
  }
}
