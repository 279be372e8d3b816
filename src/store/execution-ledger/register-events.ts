import { sql, type RawBuilder } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { AnalyticsPayload } from '../../contract/analytics.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { StoredEventState } from '../../domain/analytics-states.ts';
import { recordOf } from '../analytics-record.ts';
import type { AttemptRef } from './begin-attempt.ts';

export interface NewAnalyticsEvent {
  readonly state: StoredEventState;
  /** Why it was rejected. */
  readonly reason: string | null;
  readonly registered: JsonObject;
  /** Null where nothing is to be delivered. */
  readonly payload: AnalyticsPayload | null;
  /** What the payload's date says, RFC 3339 in UTC. */
  readonly moment: string | null;
  /** Sinks that have the same from a predecessor; none where left out. */
  readonly deliveredTo?: readonly string[] | undefined;
}

export interface NewAnalyticsEvents {
  readonly events: readonly NewAnalyticsEvent[];
  /** Names of those that accepted events go to. */
  readonly sinks: readonly string[];
  /** When the redelivery takes over from the execution's own workflow. */
  readonly redeliverFrom: Date;
}

/**
 * Parts of the statement that ends an attempt: its analytics events and what is to be delivered of them, for an
 * execution that the part `ended` answers.
 */
export function eventInserts(
  ref: AttemptRef,
  { events, sinks, redeliverFrom }: NewAnalyticsEvents,
  now: Date,
): RawBuilder<unknown> {
  const rows = events.map((event, ordinal) => ({
    id: uuidv7(),
    ordinal,
    state: event.state,
    reason: event.reason,
    registered: JSON.stringify(event.registered),
    payload: event.payload === null ? null : JSON.stringify(event.payload),
    moment: event.moment,
  }));
  const records = rows.flatMap(({ id, moment }, ordinal) => {
    const { state, payload } = events[ordinal] ?? { state: 'rejected', payload: null };
    return state === 'accepted' && payload !== null ? [{ id, moment, ...recordOf(payload) }] : [];
  });
  const wanted = rows.flatMap(({ id }, ordinal) => {
    const { state, deliveredTo = [] } = events[ordinal] ?? { state: 'rejected' };
    return state === 'accepted'
      ? sinks.filter((sink) => !deliveredTo.includes(sink)).map((sink) => ({ id, sink }))
      : [];
  });
  return sql`, registered as (
      insert into analytics_events
        (id, organization_id, execution_id, attempt, ordinal, state, reason, registered, payload, moment, registered_at)
      select event.id, ${ref.organizationId}, ended.id, ${ref.attempt}::integer, event.ordinal, event.state,
             event.reason, event.registered, event.payload, event.moment, ${now}::timestamptz
      from ended, json_to_recordset(${JSON.stringify(rows)}::json)
        as event (id uuid, ordinal integer, state text, reason text, registered text, payload text, moment timestamptz)
      returning id, execution_id
    ), due as (
      insert into analytics_deliveries (event_id, sink, organization_id, execution_id, created_at, due_at)
      select registered.id, wanted.sink, ${ref.organizationId}, registered.execution_id, ${now}::timestamptz,
             ${redeliverFrom}::timestamptz
      from registered join json_to_recordset(${JSON.stringify(wanted)}::json) as wanted (id uuid, sink text)
        on wanted.id = registered.id
    ), recorded as (
      insert into analytics_records
        (event_id, organization_id, moment, project, contact_urn, key, value_type, value, metadata)
      select registered.id, ${ref.organizationId}, record.moment, record.project, record.contact_urn, record.key,
             record.value_type, record.value, record.metadata
      from registered join json_to_recordset(${JSON.stringify(records)}::json) as record
        (id uuid, moment timestamptz, project text, contact_urn text, key text, value_type text, value text, metadata jsonb)
        on record.id = registered.id
    )`;
}
