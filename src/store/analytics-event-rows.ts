import { sql } from 'kysely';
import { z } from 'zod';
import { type AnalyticsEvent, AnalyticsPayload } from '../contract/analytics.ts';
import { JsonObject } from '../contract/json.ts';
import { analyticsStateOf, deliveryStates, type StoredEventState } from '../domain/analytics-states.ts';
import type { Database } from './database.ts';

interface Row {
  id: string;
  attempt: number;
  state: StoredEventState;
  reason: string | null;
  registered: string;
  payload: string | null;
  moment: string | null;
  registered_at: Date;
  deliveries: string;
}

const Deliveries = z.array(
  z.object({
    sink: z.string(),
    state: z.enum(deliveryStates),
    tries: z.number(),
    error: z.string().nullable(),
    deliveredAt: z.string().nullable(),
  }),
);

/** The analytics events of one execution, of all its attempts, in the order they were registered. */
export async function analyticsEventsOf(
  db: Database,
  organizationId: string,
  executionId: string,
): Promise<AnalyticsEvent[]> {
  const { rows } = await sql<Row>`
    select event.id, event.attempt, event.state, event.reason, event.registered, event.payload, event.registered_at,
           to_char(event.moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment,
           coalesce((
             select json_agg(json_build_object(
               'sink', coalesce(known.name, sink), 'state', delivery.state, 'tries', tries, 'error', error,
               'deliveredAt', to_char(delivered_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
             ) order by coalesce(known.name, sink))
             from analytics_deliveries delivery left join analytics_sinks known on known.id = delivery.sink
             where delivery.event_id = event.id
           ), '[]')::text as deliveries
    from analytics_events event
    where event.organization_id = ${organizationId} and event.execution_id = ${executionId}
    order by event.attempt, event.ordinal`.execute(db);
  return rows.map(toAnalyticsEvent);
}

function toAnalyticsEvent(row: Row): AnalyticsEvent {
  const deliveries = Deliveries.parse(JSON.parse(row.deliveries));
  return {
    id: row.id,
    attempt: row.attempt,
    state: analyticsStateOf(
      row.state,
      deliveries.map(({ state }) => state),
    ),
    reason: row.reason,
    registered: JsonObject.parse(JSON.parse(row.registered)),
    event: row.payload === null ? null : AnalyticsPayload.parse(JSON.parse(row.payload)),
    date: row.moment,
    registeredAt: row.registered_at.toISOString(),
    deliveries,
  };
}
