import { z } from 'zod';
import { analyticsEventStates, deliveryStates } from '../domain/analytics-states.ts';
import { JsonObject, JsonValue } from './json.ts';

/** An analytics event as it is delivered. */
export const AnalyticsPayload = z
  .object({
    event_name: z.string(),
    key: z.string(),
    date: z.string().meta({ description: 'As the handler gave it.' }),
    project: z.string(),
    contact_urn: z.string(),
    value_type: z.string(),
    value: JsonValue,
    metadata: JsonObject,
  })
  .meta({ id: 'AnalyticsPayload' });
export type AnalyticsPayload = z.infer<typeof AnalyticsPayload>;

const AnalyticsDelivery = z
  .object({
    sink: z.string(),
    state: z.enum(deliveryStates),
    tries: z.number().int(),
    error: z.string().nullable().meta({ description: 'Of the last try that failed.' }),
    deliveredAt: z.string().nullable(),
  })
  .meta({ id: 'AnalyticsDelivery' });
export type AnalyticsDelivery = z.infer<typeof AnalyticsDelivery>;

export const AnalyticsEvent = z
  .object({
    id: z.string(),
    attempt: z.number().int().meta({ description: 'The attempt that registered it.' }),
    state: z.enum(analyticsEventStates),
    reason: z.string().nullable().meta({ description: 'Why it was rejected.' }),
    registered: JsonObject.meta({ description: 'What the handler registered.' }),
    event: AnalyticsPayload.nullable().meta({ description: 'What is delivered; null where nothing is.' }),
    date: z.string().nullable().meta({ description: 'What `event.date` says, in UTC.' }),
    registeredAt: z.string(),
    deliveries: z.array(AnalyticsDelivery),
  })
  .meta({ id: 'AnalyticsEvent' });
export type AnalyticsEvent = z.infer<typeof AnalyticsEvent>;
