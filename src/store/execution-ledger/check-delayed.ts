import { sql } from 'kysely';
import type { Settled } from '../../contract/workflow.ts';
import { type ExecutionStatus, type FailureReason, isFinal } from '../../domain/status.ts';
import type { Database } from '../database.ts';
import {
  type CancellingEvent,
  type CancellingEventColumns,
  cancellingEvent,
  toCancellingEvent,
} from './cancelling-event.ts';

export type DelayedExecution =
  | { readonly kind: 'waiting'; readonly cancelledBy: CancellingEvent | null; readonly handlerEnabled: boolean }
  /** Another run owns the event. */
  | { readonly kind: 'claimed_by_another' }
  | ({ readonly kind: 'settled' } & Settled);

interface Row extends CancellingEventColumns {
  claimed: boolean;
  enabled: boolean;
  status: ExecutionStatus;
  reason: FailureReason | null;
}

/** Claims the event of an execution that waits for its time, and tells what has happened meanwhile. */
export async function checkDelayed(
  db: Database,
  ref: { readonly organizationId: string; readonly executionId: string; readonly claimFor: string | null },
): Promise<DelayedExecution> {
  const { rows } = await sql<Row>`
    with execution as (
      select * from executions where id = ${ref.executionId} and organization_id = ${ref.organizationId}
    ), claimed as (
      update conversation_events event
      set claimed_by = coalesce(event.claimed_by, ${ref.claimFor}::text),
          claimed_at = coalesce(event.claimed_at, now())
      from execution
      where event.id = execution.event_id
        and (${ref.claimFor}::text is null or event.claimed_by is null or event.claimed_by = ${ref.claimFor}::text)
      returning event.id
    ), canceller as (
      ${cancellingEvent}
    )
    select exists (select 1 from claimed) as claimed, execution.status, execution.reason, handlers.enabled, canceller.*
    from execution
    join handlers on handlers.id = execution.handler_id
    left join canceller on true`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`execution ${ref.executionId} does not exist`);
  if (!row.claimed) return { kind: 'claimed_by_another' };
  if (isFinal(row.status)) return { kind: 'settled', status: row.status, reason: row.reason };
  return { kind: 'waiting', cancelledBy: toCancellingEvent(row), handlerEnabled: row.enabled };
}
