import { z } from 'zod';
import { toMoment } from '../domain/event-date.ts';
import { limits } from '../domain/limits.ts';
import { AnalyticsPayload } from './analytics.ts';

/** A `+` that was not encoded arrives as a space. */
const withPlus = (text: string) => text.trim().replace(/ (\d{2}:?\d{2})$/u, '+$1');

const DateStart = z
  .string()
  .transform((text, context) => {
    const moment = toMoment(withPlus(text));
    if (moment !== null) return moment;
    context.addIssue({ code: 'custom', message: notADate });
    return z.NEVER;
  })
  .meta({ description: 'From this moment on, ISO 8601; without an offset UTC, without a time midnight.' });

const notADate = 'expected a date, or a date and a time, such as 2026-01-31 or 2026-01-31T12:00:00Z';
const dateOnly = /^\d{4}-\d{2}-\d{2}$/u;

const DateEnd = z
  .string()
  .transform((text, context) => {
    const moment = toMoment(withPlus(text));
    if (moment === null) {
      context.addIssue({ code: 'custom', message: notADate });
      return z.NEVER;
    }
    return dateOnly.test(text.trim()) ? moment.replace('T00:00:00.000000Z', 'T23:59:59.999999Z') : moment;
  })
  .meta({ description: 'To this moment, and with it; a date without a time is the whole day.' });

const Text = z.string().max(limits.analyticsFilterCharacters);

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/u, `a whole number from ${String(least)} to ${String(most)}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, {
      error: `expected a whole number from ${String(least)} to ${String(most)}`,
    });

const filters = {
  date_start: DateStart,
  date_end: DateEnd,
  project: Text.optional(),
  key: Text.optional(),
  contact_urn: Text.optional(),
  value_type: Text.optional().meta({ description: 'In any letter case.' }),
  value: Text.optional().meta({ description: "As it goes to a datalake: `resolved`, `42`, `True`, `['a', 'b']`." }),
  metadata_key: Text.optional().meta({ description: 'Only events whose metadata has it.' }),
  metadata_value: Text.optional().meta({
    description: 'And where it is this: `true` is also the value true, `5` also 5.',
  }),
};

const page = {
  limit: wholeNumber(1, limits.analyticsPage)
    .optional()
    .meta({ type: 'integer', description: `At most ${String(limits.analyticsPage)}; 10 where left out, in CSV all.` }),
  offset: wholeNumber(0, limits.analyticsOffset).default(0).meta({ type: 'integer' }),
};

const Format = z.enum(['json', 'csv']).optional().meta({ description: '`Accept: text/csv` asks for CSV too.' });

const valueNeedsKey = {
  error: 'is asked for of one key: give metadata_key too',
  path: ['metadata_value'],
};
const hasKeyForValue = (query: { metadata_key?: string | undefined; metadata_value?: string | undefined }) =>
  query.metadata_value === undefined || query.metadata_key !== undefined;

export const AnalyticsCountQuery = z.strictObject(filters).refine(hasKeyForValue, valueNeedsKey);

export const AnalyticsListQuery = z
  .strictObject({ ...filters, ...page, format: Format })
  .refine(hasKeyForValue, valueNeedsKey);

export const AnalyticsGroupsQuery = z
  .strictObject({
    ...filters,
    ...page,
    format: Format,
    group_by: Text.min(1)
      .default('value')
      .meta({
        description:
          '`value`, `key`, `contact_urn`, `project`, `value_type`, `date` (days, in UTC); anything else is a key of the metadata, ' +
          'as is what stands after `metadata.`.',
      }),
  })
  .refine(hasKeyForValue, valueNeedsKey);

/** As the datalake's client asks: what it does not know passes. `table` is a key in a table of its own there. */
export const DatalakeQuery = z
  .object({ ...filters, ...page, group_by: Text.min(1).optional(), table: Text.optional() })
  .refine(hasKeyForValue, valueNeedsKey);

export type AnalyticsFilters = z.infer<typeof AnalyticsCountQuery>;

export const AnalyticsListItem = z
  .object({
    id: z.string(),
    executionId: z.string(),
    date: z.string().meta({ description: 'What `event.date` says, in UTC.' }),
    event: AnalyticsPayload,
  })
  .meta({ id: 'AnalyticsListItem' });
export type AnalyticsListItem = z.infer<typeof AnalyticsListItem>;

export const AnalyticsList = z
  .object({ items: z.array(AnalyticsListItem), limit: z.int(), offset: z.int() })
  .meta({ id: 'AnalyticsList' });

export const AnalyticsCount = z.object({ count: z.int() }).meta({ id: 'AnalyticsCount' });

const AnalyticsGroup = z.object({ value: z.string(), count: z.int() }).meta({ id: 'AnalyticsGroup' });
export type AnalyticsGroup = z.infer<typeof AnalyticsGroup>;

export const AnalyticsGroups = z
  .object({
    items: z.array(AnalyticsGroup),
    total: z.int().meta({ description: 'How many groups there are.' }),
    limit: z.int(),
    offset: z.int(),
  })
  .meta({ id: 'AnalyticsGroups' });
