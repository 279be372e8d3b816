import { createHash } from 'node:crypto';
import type { sheets_v4 } from 'googleapis/build/src/apis/sheets/index.js';

/**
 * Marks are developer metadata of the sheet, seen by nobody but this project. Their ids are made from what they stand
 * for: Google takes an id once in a spreadsheet, and with it the whole request, so that of two requests for the same
 * thing only one is carried out, however late the other one arrives.
 */
type Metadata = sheets_v4.Schema$DeveloperMetadata;

const rowKey = 'afterword.row';
const headerKey = 'afterword.header';
const sweptAfterMs = 24 * 60 * 60 * 1000;

/** The row of one call. Its value says which and, in seconds, when. */
export function rowMark(key: string, sheetId: number, now = Date.now()): Metadata {
  return {
    metadataId: rowMarkId(key),
    metadataKey: rowKey,
    metadataValue: `${key} ${String(Math.floor(now / 1000))}`,
    location: { sheetId },
    visibility: 'PROJECT',
  };
}

export function rowMarkId(key: string): number {
  return idOf(`row ${key}`);
}

export function isRowMark({ metadataKey, metadataValue }: Metadata, key: string): boolean {
  return metadataKey === rowKey && metadataValue?.split(' ')[0] === key;
}

/** Left by a worker that died, or could not take it away: a day old, or known as such. */
export function isLeftover(mark: Metadata, known: ReadonlySet<number>, now = Date.now()): boolean {
  if (mark.metadataKey !== rowKey || mark.metadataId == null) return false;
  const writtenMs = Number(mark.metadataValue?.split(' ')[1]) * 1000;
  return known.has(mark.metadataId) || writtenMs < now - sweptAfterMs;
}

/**
 * The header of a sheet that was empty: it stays, since it keeps those who also saw the sheet empty from writing theirs. When
 * somebody clears the sheet, the next header has the next number.
 */
export function headerMark(sheetId: number, there: readonly Metadata[]): Metadata {
  const numbers = there.filter(isHeaderMark).map(({ metadataValue }) => Number(metadataValue));
  const next = Math.max(0, ...numbers.filter(Number.isFinite)) + 1;
  return {
    metadataId: idOf(`header ${String(sheetId)} ${String(next)}`),
    metadataKey: headerKey,
    metadataValue: String(next),
    location: { sheetId },
    visibility: 'PROJECT',
  };
}

export function isHeaderMark({ metadataKey }: Metadata): boolean {
  return metadataKey === headerKey;
}

/** 31 bits: a few hundred marks stand in a sheet at most, and one taken by another is an error, never a lost row. */
function idOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE() >>> 1 || 1;
}
