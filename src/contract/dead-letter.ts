import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { AnalyticsPayload } from './analytics.ts';

/** `<event>.<sink>`: an event may be dead for several sinks. */
const DeadLetterId = z.string().regex(/^[\da-f-]{36}\..{1,200}$/u, 'the id of a dead letter');

export const DeadLetter = z
  .object({
    id: DeadLetterId,
    sink: z.string().meta({ description: 'Id of the sink; of the system’s own its name.' }),
    sinkName: z.string(),
    eventId: z.string(),
    executionId: z.string(),
    event: AnalyticsPayload,
    tries: z.int(),
    error: z.string().nullable().meta({ description: 'Of the last try.' }),
    waitedSince: z.string(),
    resendable: z.boolean().meta({ description: 'False: its sink was deleted.' }),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof DeadLetter>;

const most = limits.deadLettersNamed;

export const ResendInput = z
  .strictObject({
    ids: z.array(DeadLetterId).min(1).max(most).optional().meta({ description: 'These.' }),
    sink: z.string().min(1).optional().meta({ description: 'All of this sink, by its id.' }),
    all: z.literal(true).optional().meta({ description: 'All.' }),
  })
  .refine((input) => [input.ids, input.sink, input.all].filter((one) => one !== undefined).length === 1, {
    error: 'expected one of ids, sink and all',
  })
  .meta({ id: 'ResendInput' });
export type ResendInput = z.infer<typeof ResendInput>;

export const Resent = z
  .object({ resent: z.int().meta({ description: 'How many wait to be sent again.' }) })
  .meta({ id: 'Resent' });
