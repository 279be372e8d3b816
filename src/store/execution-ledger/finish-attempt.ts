import { sql, type RawBuilder } from 'kysely';
import type { HandlerError } from '../../contract/execution.ts';
import type { Settled } from '../../contract/workflow.ts';
import {
  type AttemptOutcome,
  type ExecutionStatus,
  type FailureReason,
  type FinalStatus,
  isFinal,
} from '../../domain/status.ts';
import type { Database } from '../database.ts';
import { errorTextOf } from '../error-text.ts';
import type { AttemptRef } from './begin-attempt.ts';
import { eventInserts, type NewAnalyticsEvents } from './register-events.ts';
import { logInsert, type LogChunk } from './write-logs.ts';
import { prepared } from '../prepared-statements.ts';

export interface AttemptEnd {
  readonly outcome: Exclude<AttemptOutcome, 'running'>;
  readonly reason: FailureReason | null;
  readonly error: HandlerError | null;
  /** JSON text, of a success. */
  readonly resultJson: string | null;
  readonly runMs: number;
  /** The execution's status where this was its last attempt; null where another follows. */
  readonly final: FinalStatus | null;
  /**
   * Calls that this attempt reached by replay or by joining, its own or a predecessor's, with arguments (JSON) that had
   * drifted.
   */
  readonly reached: readonly {
    readonly callId: string;
    readonly executionId: string;
    readonly driftJson: string | null;
  }[];
  /** What it registered; left out where that was nothing. */
  readonly analytics?: NewAnalyticsEvents | undefined;
}

/** One statement. Answers false where a newer attempt runs: then only the logs were written, as this attempt's own. */
export async function finishAttempt(
  db: Database,
  ref: AttemptRef,
  end: AttemptEnd,
  logs: readonly LogChunk[],
): Promise<boolean> {
  const now = new Date();
  const error = end.error === null ? null : JSON.stringify(end.error);
  const userFailed = end.outcome === 'failed' || end.outcome === 'timed_out' ? 1 : 0;
  const lost = end.outcome === 'lost' ? 1 : 0;
  const own = end.reached.filter((call) => call.executionId === ref.executionId);
  const others = end.reached.filter((call) => call.executionId !== ref.executionId);
  const { rows } = await sql<{ id: string }>`
    with logs as (${logInsert(ref, logs)}), ended as (
      update executions
      set status = coalesce(${end.final}::text, 'running'),
          reason = ${end.reason}::text,
          error = ${error}::text,
          error_text = ${errorTextOf(end.error)}::text,
          result = ${end.resultJson}::text,
          finished_at = case when ${end.final}::text is null then null else ${now}::timestamptz end,
          user_failures = user_failures + ${userFailed}::integer,
          lost_in_a_row = case when ${lost}::integer = 1 then lost_in_a_row + 1 else 0 end,
          run_ms = run_ms + ${end.runMs}::double precision
      where id = ${ref.executionId} and organization_id = ${ref.organizationId}
        and attempt = ${ref.attempt} and finished_at is null
      returning id
    ), attempt_ended as (
      update attempts
      set outcome = ${end.outcome}, reason = ${end.reason}::text, error = ${error}::text,
          finished_at = ${now}::timestamptz, run_ms = ${end.runMs}::double precision
      from ended
      where attempts.execution_id = ended.id and attempts.attempt = ${ref.attempt}
    ), reached as (
      update calls
      set last_attempt = ${ref.attempt}, drift = coalesce(again.drift, calls.drift)
      from ended,
           json_to_recordset(${JSON.stringify(own.map(toRow))}::json) as again (id uuid, drift text)
      where calls.id = again.id and calls.execution_id = ended.id
    )${others.length === 0 ? sql`` : replayedInsert(ref, others.map(toRow))}${end.analytics === undefined ? sql`` : eventInserts(ref, end.analytics, now)}
    select id from ended
    ${prepared}`.execute(db);
  return rows.length > 0;
}

interface ReachedRow {
  readonly id: string;
  readonly drift: string | null;
}

function toRow({ callId, driftJson }: AttemptEnd['reached'][number]): ReachedRow {
  return { id: callId, drift: driftJson };
}

/** A part of the statement above: which calls of predecessors answered this re-run. */
function replayedInsert(ref: AttemptRef, reached: readonly ReachedRow[]): RawBuilder<unknown> {
  return sql`, replayed as (
      insert into replayed_calls (organization_id, execution_id, call_id, last_attempt, drift)
      select ${ref.organizationId}, ended.id, again.id, ${ref.attempt}::integer, again.drift
      from ended, json_to_recordset(${JSON.stringify(reached)}::json) as again (id uuid, drift text)
      on conflict (execution_id, call_id)
      do update set last_attempt = excluded.last_attempt, drift = coalesce(excluded.drift, replayed_calls.drift)
    )`;
}

export interface Settlement {
  readonly organizationId: string;
  /** Run id that the event belongs to from now on where it had none; null where nobody claims. */
  readonly claimFor: string | null;
  readonly executionId: string;
  readonly status: FinalStatus;
  readonly reason: FailureReason | null;
  /** Kept only where the execution has no error of its own; of a cancelled one: by what, where there is something to say. */
  readonly error: HandlerError | null;
}

/**
 * The status of an execution whose worker could not write it. One that has ended keeps what it has; a cancelled one
 * ends without the failure of an earlier attempt, which stays in that attempt's own row. Answers how it has ended now.
 */
export async function settleExecution(db: Database, settlement: Settlement): Promise<Settled> {
  const now = new Date();
  const error = settlement.error === null ? null : JSON.stringify(settlement.error);
  const errorText = errorTextOf(settlement.error);
  const cancelled = settlement.status === 'cancelled';
  const open = cancelled ? 'cancelled' : 'lost';
  const { rows } = await sql<{ status: ExecutionStatus; reason: FailureReason | null }>`
    with ended as (
      update executions
      set status = ${settlement.status},
          reason = case when ${cancelled}::boolean then null else coalesce(${settlement.reason}::text, reason) end,
          error = case when ${cancelled}::boolean then ${error}::text else coalesce(error, ${error}::text) end,
          error_text = case when ${cancelled}::boolean then ${errorText}::text else coalesce(error_text, ${errorText}::text) end,
          finished_at = ${now}::timestamptz,
          relay_at = null
      where id = ${settlement.executionId} and organization_id = ${settlement.organizationId} and finished_at is null
      returning id, event_id, status, reason
    ), claimed as (
      update conversation_events event
      set claimed_by = coalesce(event.claimed_by, ${settlement.claimFor}::text),
          claimed_at = coalesce(event.claimed_at, ${now}::timestamptz)
      from ended where event.id = ended.event_id and ${settlement.claimFor}::text is not null
    ), attempts_ended as (
      update attempts set outcome = ${open}, finished_at = ${now}::timestamptz
      from ended where attempts.execution_id = ended.id and attempts.outcome = 'running'
    )
    select status, reason from ended
    union all
    -- As it was before this statement: only where that changed nothing does it count.
    select status, reason from executions
    where id = ${settlement.executionId} and organization_id = ${settlement.organizationId}
      and not exists (select 1 from ended)`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error(`execution ${settlement.executionId} does not exist`);
  // Else it ended between this statement's first look and its lock: what that was is read anew.
  return isFinal(row.status) ? { status: row.status, reason: row.reason } : await settleExecution(db, settlement);
}
