const written = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** The calendar date of an instant in a time zone, `YYYY-MM-DD`. */
export function dateAt(zone: string, instant: Date): string {
  // The Swedish way to write a date is ISO 8601; years before 1000 are padded by hand.
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' }).format(instant);
  return parts.padStart(10, '0');
}

/**
 * The date that an ISO 8601 text means in a time zone, `YYYY-MM-DD`: of a time with an offset the date there and then,
 * else the date as it is written. Undefined: it is no date, or none that exists.
 */
export function dateIn(zone: string, text: string): string | undefined {
  const match = written.exec(text.trim());
  if (match === null) return undefined;
  const [, year = '', month = '', day = '', time, offset] = match;
  const date = `${year}-${month}-${day}`;
  const midnight = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== date) return undefined;
  if (time === undefined) return date;
  const instant = new Date(`${date}T${time.replace(',', '.').slice(0, 12)}${colonIn(offset ?? 'Z')}`);
  if (Number.isNaN(instant.getTime())) return undefined;
  return offset === undefined ? date : dateAt(zone, instant);
}

function colonIn(offset: string): string {
  return offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase();
}
