type ErrorKind = 'input' | 'auth' | 'missing' | 'conflict' | 'limit' | 'unavailable' | 'setup' | 'internal';

export interface ErrorEntry {
  readonly kind: ErrorKind;
  readonly httpStatus: number;
  readonly retryable: boolean;
  readonly title: string;
  /** What the reader can do about it. */
  readonly mend: string;
}

export function entry(kind: ErrorKind, httpStatus: number, title: string, mend: string, retryable = false): ErrorEntry {
  return { kind, httpStatus, retryable, title, mend };
}
