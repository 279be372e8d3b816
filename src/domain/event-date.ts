const datePart = '(?<year>\\d{4})-(?<month>\\d{2})-(?<day>\\d{2})';
const timePart = '(?<hour>\\d{2}):(?<minute>\\d{2})(?::(?<second>\\d{2})(?:[.,](?<fraction>\\d{1,9}))?)?';
const zonePart = '(?:[Zz]|(?<sign>[+-])(?<zoneHour>\\d{2}):?(?<zoneMinute>\\d{2}))';
const pattern = new RegExp(`^${datePart}(?:[Tt ]${timePart}${zonePart}?)?$`);

/**
 * The moment that an event's `date` names, as RFC 3339 in UTC with microseconds; null where it names none. A date with
 * `Z` or an offset is converted, one without is taken as UTC, one without a time is midnight.
 */
export function toMoment(text: string): string | null {
  const parts = pattern.exec(text.trim())?.groups;
  if (parts === undefined) return null;
  const number = (name: string) => Number(parts[name] ?? 0);
  const [hour, minute, second] = [number('hour'), number('minute'), number('second')];
  if (hour > 23 || minute > 59 || second > 59 || number('zoneHour') > 23 || number('zoneMinute') > 59) return null;
  const moment = new Date(0);
  moment.setUTCFullYear(number('year'), number('month') - 1, number('day'));
  // JavaScript takes 30 February as 2 March.
  if (moment.getUTCMonth() !== number('month') - 1 || moment.getUTCDate() !== number('day')) return null;
  const offset = (number('zoneHour') * 60 + number('zoneMinute')) * (parts.sign === '-' ? -1 : 1);
  moment.setUTCHours(hour, minute - offset, second);
  const year = moment.getUTCFullYear();
  if (year < 1 || year > 9999) return null;
  const microseconds = (parts.fraction ?? '').slice(0, 6).padEnd(6, '0');
  return `${moment.toISOString().slice(0, 19)}.${microseconds}Z`;
}
