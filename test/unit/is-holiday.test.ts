import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contract/json.ts';
import { placeOf, todayIn, zoneOf } from '../../src/helpers/holiday-calendar.ts';
import { isHoliday } from '../../src/helpers/is-holiday.ts';
import { dateIn } from '../../src/helpers/iso-date.ts';
import { servicesNotConfigured } from '../../src/helper-services.ts';

async function ask(args: JsonObject): Promise<unknown> {
  const { answer } = await isHoliday.call(args, {
    effectKey: 'k',
    firstTry: true,
    testRun: false,
    timeoutMs: 1_000,
    signal: new AbortController().signal,
    services: servicesNotConfigured,
  });
  return answer;
}

const on = (country: string, check_date: string, more: JsonObject = {}) => ask({ country, check_date, ...more });

describe('a date is the place’s own, not that of UTC', () => {
  it.each([
    ['US', '2026-12-24', false],
    ['US', '2026-12-25', true],
    ['US', '2026-12-26', false],
    ['NZ', '2026-12-24', false],
    ['NZ', '2026-12-25', true],
    ['JP', '2027-01-01', true],
    ['JP', '2026-12-31', false],
  ])('%s on %s: %s', async (country, date, expected) => {
    await expect(on(country, date)).resolves.toBe(expected);
  });

  it.each([
    ['2026-12-25T03:00:00Z', false],
    ['2026-12-25T06:00:00Z', true],
    ['2026-12-26T03:00:00+00:00', true],
    ['2026-12-25T00:30:00-05:00', true],
    ['2026-12-25T23:59:59.123456', true],
    ['2026-12-25 08:00', true],
  ])('New York at %s: %s', async (time, expected) => {
    await expect(on('US', time)).resolves.toBe(expected);
  });
});

describe('what counts', () => {
  it.each([
    ['a holiday of the state', 'US', '2026-02-12', { state: 'NY' }, true],
    ['which the country has not', 'US', '2026-02-12', {}, false],
    ['a holiday of the region', 'DE', '2026-08-08', { state: 'BY', region: 'A' }, true],
    ['which the state has not', 'DE', '2026-08-08', { state: 'BY' }, false],
    ['codes in other letters', 'us', '2026-02-12', { state: 'ny' }, true],
    ['None for state and region', 'US', '2026-07-04', { state: null, region: null }, true],
    ['no observance', 'US', '2026-02-14', {}, false],
    ['no bank holiday', 'DE', '2026-12-24', {}, false],
    ['no half-day', 'IS', '2026-12-24', {}, false],
    ['the second day of several', 'AE', '2026-03-21', {}, true],
    ['the last day of several', 'AE', '2026-03-22', {}, true],
    ['not the day after it', 'AE', '2026-03-23', {}, false],
    ['not the evening before, where it begins with one', 'IL', '2026-09-20', {}, false],
    ['the day itself there', 'IL', '2026-09-21', {}, true],
    ['a leap day that is none', 'US', '2028-02-29', {}, false],
  ] as const)('%s', async (_what, country, date, more, expected) => {
    await expect(on(country, date, more)).resolves.toBe(expected);
  });
});

describe('what does not exist is an error that lists what does', () => {
  it.each<[JsonObject, RegExp]>([
    [{ country: 'XX' }, /"XX" is no country.*there are AD, .*US.*ZW/],
    [{ country: 'United States' }, /is no country/],
    [{ country: '' }, /must not be empty/],
    [{ country: 1 }, /must be a string/],
    [{}, /country: must be a string/],
    [{ country: 'US', state: 'ZZ' }, /"ZZ" is no state of US.*there are AK, .*NY/],
    [{ country: 'US', state: 'LA', region: 'XX' }, /"XX" is no region of US-LA.*there are NO/],
    [{ country: 'US', state: 'NY', region: 'NO' }, /none there: leave it out/],
    [{ country: 'US', region: 'NO' }, /together with its state/],
    [{ country: 'US', state: 'constructor' }, /is no state/],
    [{ country: 'US', year: 2026 }, /year/],
    [{ country: 'US', check_date: '2026-02-30' }, /is not a date; write it as ISO 8601/],
    [{ country: 'US', check_date: '25.12.2026' }, /is not a date/],
    [{ country: 'US', check_date: 'tomorrow' }, /is not a date/],
    [{ country: 'US', check_date: '' }, /is not a date/],
    [{ country: 'US', check_date: '2026-12-25T25:00:00Z' }, /is not a date/],
    [{ country: 'US', check_date: 20261225 }, /must be a date as text/],
  ])('%j', async (args, text) => {
    await expect(ask(args)).rejects.toMatchObject({
      code: 'invalid_arguments',
      message: expect.stringMatching(text),
    });
  });
});

describe('today', () => {
  it.each([
    ['US', null, 'America/New_York'],
    ['US', 'CA', 'America/Los_Angeles'],
    ['AU', null, 'Australia/Sydney'],
    ['NZ', null, 'Pacific/Auckland'],
  ])('of %s %s is that of %s', (country, state, zone) => {
    expect(zoneOf(placeOf({ country, state, region: null }))).toBe(zone);
  });

  it('is the date there', () => {
    const instant = new Date('2026-12-25T03:00:00Z');
    expect(todayIn('America/New_York', instant)).toBe('2026-12-24');
    expect(todayIn('Pacific/Auckland', instant)).toBe('2026-12-25');
  });

  it('is what is asked for without a date', async () => {
    const today = todayIn('America/New_York', new Date());
    await expect(ask({ country: 'US', check_date: null })).resolves.toBe(await on('US', today));
  });
});

it('a date keeps its year, also before 1000', () => {
  expect(dateIn('UTC', '0999-05-01')).toBe('0999-05-01');
  expect(dateIn('Europe/Berlin', '0999-05-01T12:00:00Z')).toBe('0999-05-01');
});
