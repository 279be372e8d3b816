import { AfterwordError } from '../domain/errors.ts';

/** Node's codes for a server that cannot be reached or went away. */
const networkCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'ENOENT',
]);

/**
 * PostgreSQL's: connection exceptions, wrong password, no such database, read-only after a failover, no connection
 * free, shut down.
 */
const unavailableSqlState = /^(?:08...|28...|3D000|25006|53300|57P0[1-5])$/;

/** An invalid byte sequence; \\u0000 inside JSON; a time that PostgreSQL does not have. */
const unstorable: ReadonlySet<string> = new Set(['22021', '22P05', '22007', '22008']);

/** `pg` throws these without any code. */
const unavailableMessage =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|PGlite is closed|PGlite instance is already closed|driver has already been destroyed|Postgres connection has been discarded)/;

/**
 * What a driver's error means for the platform, told by its code: the classes of the two drivers differ.
 * `undefined` where the error says nothing about reaching the database, such as a violated constraint.
 */
export function toStoreError(error: unknown): AfterwordError | undefined {
  if (error instanceof AfterwordError) {
    return error.code === 'store_unavailable' || error.code === 'disk_full' ? error : undefined;
  }
  if (!(error instanceof Error)) return undefined;
  const code = codeOf(error) ?? '';
  if (code === '53100' || code === 'ENOSPC' || error.message.includes('No space left on device')) {
    return new AfterwordError('disk_full', `The database's disk is full: ${error.message}`, { cause: error });
  }
  if (networkCodes.has(code) || unavailableSqlState.test(code) || unavailableMessage.test(error.message)) {
    // An AggregateError, one error an address, has no message of its own.
    const reason = error.message === '' ? code : error.message;
    return new AfterwordError('store_unavailable', `The database cannot be reached: ${reason}`, { cause: error });
  }
  return undefined;
}

/** NUL, half a surrogate pair inside JSON, the year 0: the caller's text, wherever it came through. Else undefined. */
export function toTextError(error: unknown): AfterwordError | undefined {
  if (!(error instanceof Error) || !unstorable.has(codeOf(error) ?? '')) return undefined;
  return new AfterwordError('invalid_request', `A text cannot be stored: ${error.message}`, { cause: error });
}

/** The organisation, or another thing that the row refers to, does not exist. */
export function isMissingReference(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === '23503';
}

/** A row with this unique key exists already. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && codeOf(error) === '23505';
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
