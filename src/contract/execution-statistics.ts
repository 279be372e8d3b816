import { z } from 'zod';
import { executionStatuses } from '../domain/status.ts';
import { limits } from '../domain/limits.ts';
import { Timestamp } from './conversation.ts';

/** Milliseconds. */
export const intervals = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Interval = keyof typeof intervals;
const names = Object.keys(intervals) as [Interval, ...Interval[]];

const text = z.string().min(1).max(limits.idCharacters);

export const StatisticsQuery = z.strictObject({
  from: Timestamp.meta({ description: 'Queued at this time or later.' }),
  to: Timestamp.meta({ description: 'Queued before this time.' }),
  interval: z
    .enum(names)
    .default('hour')
    .meta({ description: 'How long a bucket is; they begin on the hour or day of UTC.' }),
  handler: text.optional().meta({ description: 'Name or id of a handler; left out: each, and all together.' }),
  eventType: text.optional(),
});
export type StatisticsQuery = z.infer<typeof StatisticsQuery>;

const Spread = z
  .object({ median: z.number(), p95: z.number() })
  .nullable()
  .meta({ description: 'Milliseconds; null where there are none.' });

const counts = Object.fromEntries(executionStatuses.map((status) => [status, z.number().int()]));

const ExecutionCounts = z.object({
  total: z.number().int(),
  byStatus: z.object(counts).meta({ id: 'ExecutionsByStatus' }),
  queueMs: Spread,
  runMs: Spread,
});

export const ExecutionStatistics = z
  .object({
    interval: z.enum(names),
    items: z.array(
      ExecutionCounts.extend({
        start: z.string(),
        handlers: z.array(ExecutionCounts.extend({ handlerId: z.string(), handlerName: z.string() })),
      }),
    ),
  })
  .meta({ id: 'ExecutionStatistics' });
export type ExecutionStatistics = z.infer<typeof ExecutionStatistics>;
export type ExecutionCounts = z.infer<typeof ExecutionCounts>;
