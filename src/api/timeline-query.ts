import { z } from 'zod';
import { timelineFields } from '../contract/timeline-event.ts';
import { limits } from '../domain/limits.ts';
import type { TimelineSearch } from '../store/timeline-event-search.ts';

const whole = (by: number, highest: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number, 0 or more')
    .transform((text) => Math.min(Number(text), highest))
    .default(by);

const Field = z.enum(timelineFields);
/** One value comes as a text, several as a list. */
const repeated = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((given) => (given === undefined || Array.isArray(given) ? given : [given]), z.array(item).default([]));

const timePattern = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/i;
const time = 'a time such as 2026-01-31T12:00:00Z or 2026-01-31T12:00:00+02:00 (in a URL the + is %2B)';

const Moment = z
  .string()
  .transform((text, context) => {
    const moment = timePattern.test(text) ? momentOf(text) : undefined;
    if (moment !== undefined) return moment;
    context.addIssue({ code: 'custom', message: `expected ${time}` });
    return z.NEVER;
  })
  .optional();

/** Without an offset it is UTC, without a time midnight. */
function momentOf(text: string): Date | undefined {
  const zoned = text.length === 10 || /(?:Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10)) ? text : `${text}Z`;
  const moment = new Date(zoned.replace(' ', 'T').toUpperCase());
  const year = moment.getUTCFullYear();
  // An impossible day would be rolled over into the next month.
  const day = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  const isDay = !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text.slice(0, 10));
  return isDay && year >= 1 && year <= 9999 ? moment : undefined;
}

const list = (items: object, description: string) => ({ type: 'array' as const, items, description });
const fieldNames = { type: 'string', enum: timelineFields };

/** Syllable's query; like there, unknown parameters are passed over. */
export const TimelineQuery = z
  .object({
    page: whole(0, Number.MAX_SAFE_INTEGER).meta({ type: 'integer', description: 'From 0.' }),
    limit: whole(25, limits.timelineEventsPerPage).meta({
      type: 'integer',
      description: `Items a page; of more than ${limits.timelineEventsPerPage.toLocaleString('en')} so many are answered.`,
    }),
    search_fields: repeated(Field).meta(list(fieldNames, 'Where to search; in pairs with search_field_values.')),
    search_field_values: repeated(z.string()).meta(
      list({ type: 'string' }, 'Texts that stand anywhere in the field, in any letter case. All pairs have to match.'),
    ),
    order_by: Field.default('timestamp'),
    order_by_direction: z.enum(['asc', 'desc']).default('desc'),
    fields: repeated(Field).meta(list(fieldNames, 'What to answer of each event; its timestamp always is.')),
    start_datetime: Moment.meta({ type: 'string', format: 'date-time', description: 'Inclusive.' }),
    end_datetime: Moment.meta({ type: 'string', format: 'date-time', description: 'Inclusive.' }),
  })
  .refine((query) => query.search_fields.length === query.search_field_values.length, {
    path: ['search_field_values'],
    error: 'as many are needed as there are search_fields',
  });
export type TimelineQuery = z.infer<typeof TimelineQuery>;

export function searchOf(query: TimelineQuery): TimelineSearch {
  return {
    pairs: query.search_fields.map((field, index) => ({ field, text: query.search_field_values[index] ?? '' })),
    from: query.start_datetime,
    to: query.end_datetime,
  };
}
