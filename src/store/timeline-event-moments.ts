import type { TimelineSearch } from './timeline-event-search.ts';

/** How a timestamp is written; a 0 is any digit. */
const shape = '0000-00-00T00:00:00.000Z';
const never = { from: new Date('9999-12-31T23:59:59.999Z'), to: new Date('0001-01-01T00:00:00Z') };

/**
 * A text that can stand only at the beginning of a timestamp says the same as a range of time, which is counted and has an index; any other
 * has to be looked for in each row. `2026-02-0` is the first nine days of a February.
 */
export function timestampTextsAsRange({ pairs, from, to }: TimelineSearch): TimelineSearch {
  const ranges = pairs.flatMap((pair) => (pair.field === 'timestamp' ? (rangeOf(pair.text) ?? []) : []));
  const starts = [...ranges.map((range) => range.from), ...(from ? [from] : [])];
  const ends = [...ranges.map((range) => range.to), ...(to ? [to] : [])];
  return {
    pairs: pairs.filter(({ field, text }) => field !== 'timestamp' || rangeOf(text) === undefined),
    from: starts.length > 0 ? new Date(Math.max(...starts.map(Number))) : undefined,
    to: ends.length > 0 ? new Date(Math.min(...ends.map(Number))) : undefined,
  };
}

/** Undefined: the text may stand elsewhere too. */
function rangeOf(text: string): { from: Date; to: Date } | undefined {
  const wanted = text.toUpperCase();
  const places = Array.from({ length: shape.length }, (_, at) => at).filter((at) => fits(wanted, at));
  if (places.length !== 1 || places[0] !== 0) return undefined;
  const [from, to] = [filledWith('0', wanted), filledWith('9', wanted)];
  return from.startsWith(wanted) && to.startsWith(wanted) ? { from: new Date(from), to: new Date(to) } : never;
}

function fits(text: string, at: number): boolean {
  const digits = text.replaceAll(/\d/g, '0');
  return text !== '' && shape.slice(at, at + text.length) === digits;
}

/** The first or the last moment of those that begin with the text, as far as there are such. */
function filledWith(digit: '0' | '9', text: string): string {
  const filled = text + shape.slice(text.length).replaceAll('0', digit);
  const part = (from: number, to: number, lowest: number, highest: number) =>
    String(Math.min(Math.max(Number(filled.slice(from, to)), lowest), highest)).padStart(to - from, '0');
  const year = part(0, 4, 1, 9999);
  const month = part(5, 7, 1, 12);
  const day = part(8, 10, 1, daysOf(Number(year), Number(month)));
  return `${year}-${month}-${day}T${part(11, 13, 0, 23)}:${part(14, 16, 0, 59)}:${part(17, 19, 0, 59)}.${filled.slice(20, 23)}Z`;
}

function daysOf(year: number, month: number): number {
  // Of the year 2000 on, so that none of the first hundred is taken for one of the 20th century.
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}
