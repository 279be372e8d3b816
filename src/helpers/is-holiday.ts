import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import { defineOutsideHelper } from './define-helper.ts';
import { dateIn } from './iso-date.ts';
import { text } from './text-length.ts';

const code = (what: string) => text(what, { min: 1, max: 100 });

export const isHoliday = defineOutsideHelper({
  name: 'is_holiday',
  summary: 'Whether a date, or today, is a public holiday in a country, state or region.',
  pythonParams: 'country, state=None, region=None, check_date=None',
  typescript: {
    params: 'country: string, state?: string | null, region?: string | null, checkDate?: string | null',
    returns: 'boolean',
  },
  effect: 'read',
  docs: {
    params: {
      country: 'a code of ISO 3166 such as `US`, in any letter case; 207 countries are known',
      state: 'a code such as `NY`, or `None`: then only holidays of the whole country count',
      region: 'a code within the state such as `NO` (New Orleans), or `None`',
      check_date:
        'a date as ISO 8601 text such as `2026-12-25`. Of a time with an offset (`2026-12-25T03:00:00Z`) the date that it is ' +
        'at the place counts, of a time without one the date that is written. `None`: today at the place',
    },
    returns: '`True` or `False`',
    errors: {
      invalid_arguments:
        'the country, state or region is not known (the message lists those that are), or the date does not exist',
    },
    notes: [
      'Only public holidays count, for the whole day: half-days, bank holidays and observances do not. A place with several ' +
        'time zones has the first of its list, which for `US` is New York and for `AU` Sydney; name a state to have its own.',
    ],
  },
  input: z.strictObject({
    country: code('the country'),
    state: code('the state').nullish(),
    region: code('the region').nullish(),
    check_date: z.string({ error: 'must be a date as text, such as "2026-12-25"' }).max(100).nullish(),
  }),
  show: ({ country }) => JSON.stringify(country.slice(0, 10)),
  async run({ country, state, region, check_date: given }) {
    // All countries' rules: 150 ms, once, and only for workers that need them.
    const { isPublicHoliday, placeOf, todayIn, zoneOf } = await import('./holiday-calendar.ts');
    const place = placeOf({ country, state: state ?? null, region: region ?? null });
    const zone = zoneOf(place);
    const date = given == null ? todayIn(zone, new Date()) : dateIn(zone, given);
    if (date === undefined) {
      throw new AfterwordError(
        'invalid_arguments',
        `is_holiday: check_date: ${JSON.stringify(given)} is not a date; write it as ISO 8601, such as "2026-12-25"`,
      );
    }
    return { answer: isPublicHoliday(place, date) };
  },
});
