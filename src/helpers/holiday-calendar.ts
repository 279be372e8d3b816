import Holidays from 'date-holidays';
import { AfterwordError } from '../domain/errors.ts';
import { dateAt } from './iso-date.ts';

/** Codes as the calendar writes them. */
export interface Place {
  readonly country: string;
  readonly state: string | null;
  readonly region: string | null;
}

const known = new Holidays();
const dayMs = 24 * 60 * 60 * 1000;

/**
 * The place by its codes, in any letter case. Checked here: the calendar itself takes an unknown state for the whole
 * country and knows no holiday of an unknown one. Throws `invalid_arguments` that lists the codes there are.
 */
export function placeOf(given: Place): Place {
  const country = codeIn(known.getCountries(), given.country, 'country', '');
  if (given.state === null) {
    if (given.region === null) return { country, state: null, region: null };
    throw refusal(`region: a region is named together with its state`);
  }
  const state = codeIn(known.getStates(country), given.state, 'state', ` of ${country}`);
  if (given.region === null) return { country, state, region: null };
  const region = codeIn(known.getRegions(country, state), given.region, 'region', ` of ${country}-${state}`);
  return { country, state, region };
}

/** The first time zone of the place. */
export function zoneOf(place: Place): string {
  return calendarOf(place).getTimezones()[0] ?? 'UTC';
}

export function todayIn(zone: string, now: Date): string {
  return dateAt(zone, now);
}

/**
 * Whether a public holiday takes the whole of this day, `YYYY-MM-DD`. Compared by the date as it is written in the
 * calendar, which is that of the place: instants would be off by its time zone. Half-days do not count.
 */
export function isPublicHoliday(place: Place, date: string): boolean {
  const calendar = calendarOf(place);
  const year = Number(date.slice(0, 4));
  // The year before: a holiday of several days may reach over New Year.
  return [year - 1, year].some((ofYear) =>
    calendar.getHolidays(ofYear).some((holiday) => {
      if (holiday.date.slice(11, 19) !== '00:00:00') return false;
      const days = Math.max(1, Math.round((holiday.end.getTime() - holiday.start.getTime()) / dayMs));
      const after = (Date.parse(date) - Date.parse(holiday.date.slice(0, 10))) / dayMs;
      return after >= 0 && after < days;
    }),
  );
}

function calendarOf({ country, state, region }: Place): Holidays {
  const options = { types: ['public' as const] };
  if (state === null) return new Holidays(country, options);
  return region === null ? new Holidays(country, state, options) : new Holidays(country, state, region, options);
}

/** `there` is undefined where the calendar knows none, whatever its types say. */
function codeIn(there: Record<string, string> | undefined, given: string, what: string, of: string): string {
  const codes = Object.keys(there ?? {});
  const wanted = given.trim().toUpperCase();
  const code = codes.find((candidate) => candidate.toUpperCase() === wanted);
  if (code !== undefined) return code;
  const choice = codes.length === 0 ? 'it knows none there: leave it out' : `there are ${codes.toSorted().join(', ')}`;
  throw refusal(`${what}: ${JSON.stringify(given)} is no ${what}${of} that the calendar knows; ${choice}`);
}

function refusal(message: string): AfterwordError {
  return new AfterwordError('invalid_arguments', `is_holiday: ${message}`);
}
