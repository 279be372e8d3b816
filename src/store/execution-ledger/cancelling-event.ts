import { type RawBuilder, sql } from 'kysely';
import type { HandlerError } from '../../contract/execution.ts';

/** A later event of the conversation that cancels an execution before it begins. */
export interface CancellingEvent {
  readonly eventId: string;
  readonly type: string;
  readonly occurredAt: Date;
}

/** What a row has of it; all null where there is none. */
export interface CancellingEventColumns {
  readonly canceller_event_id: string | null;
  readonly canceller_type: string | null;
  readonly canceller_occurred_at: Date | null;
}

/**
 * A query for the first of them, over the part `execution` of a statement, at most one row. Later is what occurred
 * later, whenever it was received; what occurred at the same time is later when it was received later. One that has
 * begun is past cancelling.
 */
export const cancellingEvent: RawBuilder<unknown> = sql`
  select later.event_id as canceller_event_id, later.type as canceller_type, later.occurred_at as canceller_occurred_at
  from execution
  join conversation_events own on own.id = execution.event_id
  join conversation_events later
    on later.organization_id = own.organization_id and later.conversation_id = own.conversation_id
    and later.type = any(execution.cancel_on)
    and (later.occurred_at, later.received_at, later.id) > (own.occurred_at, own.received_at, own.id)
  where execution.cancel_on is not null and execution.attempt = 0 and execution.finished_at is null
  order by later.occurred_at, later.received_at, later.id
  limit 1`;

/** In its place where the execution names no such types: it spares the planning of the search. */
export const noCancellingEvent: RawBuilder<unknown> = sql`
  select null::text as canceller_event_id, null::text as canceller_type, null::timestamptz as canceller_occurred_at
  where false`;

export function toCancellingEvent(row: CancellingEventColumns): CancellingEvent | null {
  const { canceller_event_id: eventId, canceller_type: type, canceller_occurred_at: occurredAt } = row;
  return eventId === null || type === null || occurredAt === null ? null : { eventId, type, occurredAt };
}

/** As the error of the execution that it cancels. */
export function cancelledBy({ eventId, type, occurredAt }: CancellingEvent): HandlerError {
  const message = `${type} (event "${eventId}") came at ${occurredAt.toISOString()}, before the handler began.`;
  return { type: 'Cancelled', message, traceback: '' };
}
