import { sql } from 'kysely';
import { EgressRules } from '../../contract/egress.ts';
import { HandlerSettings } from '../../contract/handler.ts';
import type { ExecutionKind, ExecutionStatus, FailureReason } from '../../domain/status.ts';
import type { Database } from '../database.ts';
import { handlerFileOf, type HandlerFile } from '../handler-files.ts';
import {
  type CancellingEvent,
  type CancellingEventColumns,
  cancellingEvent,
  noCancellingEvent,
  toCancellingEvent,
} from './cancelling-event.ts';
import { prepared } from '../prepared-statements.ts';

export interface AttemptRef {
  readonly organizationId: string;
  readonly executionId: string;
  /** From 1; grows with every attempt, so it is the fence. */
  readonly attempt: number;
}

export interface BeginAttempt extends Omit<AttemptRef, 'attempt'> {
  /** Temporal's number of this try; grows too, also with those that went back into the queue. */
  readonly turn: number;
  /** Run id that must own the event; null where nobody claims (a run that no event started). */
  readonly claimFor: string | null;
  /** Later events may have cancelled it; left out: none can. */
  readonly cancellable?: boolean | undefined;
  /** When the execution came into the queue: the first attempt counts from here, however often it went back; `queuedAt` where left out. */
  readonly firstQueuedAt?: Date;
  /** When this try came into the queue. */
  readonly queuedAt: Date;
  readonly startedAt: Date;
  readonly worker: string;
}

export interface HandlerProgram extends HandlerFile {
  readonly settings: HandlerSettings;
}

export interface BegunAttempt {
  readonly kind: 'begun';
  readonly attempt: number;
  readonly turn: number;
  readonly executionKind: ExecutionKind;
  /** The execution that first had the record of calls: its own id, or of a re-run the first of its predecessors. */
  readonly rootId: string;
  /** `eventId` is the publisher's; of a direct run one that was made up for it. */
  readonly event: { eventId: string; type: string; occurredAt: Date; actor: string | null };
  /** JSON object: the context without args and messages. */
  readonly contextJson: string;
  /** JSON array, oldest first, as the event saw them; empty without a conversation. */
  readonly messagesJson: string;
  readonly handlerName: string;
  readonly program: HandlerProgram;
  /** The organisation's, as they are now. */
  readonly egress: EgressRules;
  /** The user's own failures so far. */
  readonly userFailures: number;
  /** Lost attempts in a row before this one. */
  readonly lostInARow: number;
}

export type AttemptStart =
  | BegunAttempt
  /** Another run owns the event. */
  | { readonly kind: 'claimed_by_another' }
  /** A newer attempt runs. */
  | { readonly kind: 'superseded' }
  /** A later event came before it began; nothing is written yet. */
  | { readonly kind: 'cancelled_by_event'; readonly event: CancellingEvent }
  /** It ended before; this is how. */
  | { readonly kind: 'settled'; readonly status: ExecutionStatus; readonly reason: FailureReason | null };

interface Row extends CancellingEventColumns {
  claimed: boolean;
  begun: boolean;
  kind: ExecutionKind;
  root_id: string;
  publisher_event_id: string;
  type: string;
  occurred_at: Date;
  actor: string | null;
  context: string;
  messages: string;
  handler_name: string;
  files: string;
  settings: string;
  egress: string | null;
  attempt: number;
  user_failures: number;
  lost_in_a_row: number;
  status: ExecutionStatus;
  reason: FailureReason | null;
}

/**
 * Claims the event where nobody has (a direct run has none and is free), marks attempts that never ended as lost, opens this one and loads all that it
 * needs: one statement, since every round trip to the store is paid by each execution.
 */
export async function beginAttempt(db: Database, begin: BeginAttempt): Promise<AttemptStart> {
  const { rows } = await sql<Row>`
    with execution as (
      select executions.*,
             case when started_at is null then ${begin.firstQueuedAt ?? begin.queuedAt}::timestamptz else ${begin.queuedAt}::timestamptz end as waiting_since
      from executions where id = ${begin.executionId} and organization_id = ${begin.organizationId}
    ), seen as (
      select event.id, event.claimed_by from conversation_events event join execution on event.id = execution.event_id
    ), claimed as (
      -- Written only where nobody was seen to have it; meanwhile another handler of this run may have claimed it.
      update conversation_events event
      set claimed_by = ${begin.claimFor}::text, claimed_at = coalesce(event.claimed_at, ${begin.startedAt}::timestamptz)
      from seen
      where event.id = seen.id and seen.claimed_by is null and ${begin.claimFor}::text is not null
        and (event.claimed_by is null or event.claimed_by = ${begin.claimFor}::text)
      returning event.id
    ), free as (
      select 1 from claimed
      union all select 1 from seen where claimed_by = ${begin.claimFor}::text or ${begin.claimFor}::text is null
      union all select 1 from execution where event_id is null
    ), canceller as (
      ${begin.cancellable === true ? cancellingEvent : noCancellingEvent}
    ), lost as (
      update attempts set outcome = 'lost', finished_at = ${begin.startedAt}::timestamptz
      where execution_id = ${begin.executionId} and organization_id = ${begin.organizationId}
        and outcome = 'running' and exists (select 1 from free)
        and exists (select 1 from execution where turn < ${begin.turn})
      returning 1
    ), begun as (
      update executions
      set status = 'running',
          attempt = attempt + 1,
          turn = ${begin.turn},
          relay_at = null,
          started_at = coalesce(started_at, ${begin.startedAt}::timestamptz),
          lost_in_a_row = lost_in_a_row + (select count(*) from lost),
          queue_ms = queue_ms + extract(epoch from ${begin.startedAt}::timestamptz - (select waiting_since from execution)) * 1000
      where id = ${begin.executionId} and organization_id = ${begin.organizationId}
        and turn < ${begin.turn} and finished_at is null and exists (select 1 from free)
        and not exists (select 1 from canceller)
      returning id, attempt, user_failures, lost_in_a_row
    ), opened as (
      insert into attempts (organization_id, execution_id, attempt, queued_at, started_at, worker)
      select ${begin.organizationId}, begun.id, begun.attempt, (select waiting_since from execution),
             ${begin.startedAt}::timestamptz, ${begin.worker}
      from begun
    )
    select exists (select 1 from free) as claimed,
           begun.id is not null as begun,
           execution.kind, coalesce(execution.root_id, execution.id) as root_id,
           coalesce(event.event_id, direct.event_id) as publisher_event_id,
           coalesce(event.type, direct.event_type) as type,
           coalesce(event.occurred_at, direct.occurred_at) as occurred_at,
           coalesce(event.actor, direct.actor) as actor,
           coalesce(event.context, direct.context) as context,
           case when begun.id is null then '' else (
             select '[' || coalesce(string_agg(body, ',' order by seq), '') || ']' from messages
             where organization_id = ${begin.organizationId}
               and conversation_id = execution.conversation_id and seq <= coalesce(event.message_seq, direct.message_seq)
           ) end as messages,
           coalesce(direct.handler_name, handlers.name) as handler_name,
           coalesce(direct.files, version.files) as files, coalesce(direct.settings, version.settings) as settings,
           (select egress from organizations where id = ${begin.organizationId}) as egress,
           coalesce(begun.attempt, 0) as attempt,
           coalesce(begun.user_failures, 0) as user_failures, coalesce(begun.lost_in_a_row, 0) as lost_in_a_row,
           execution.status, execution.reason, canceller.*
    from execution
    left join conversation_events event on event.id = execution.event_id
    left join direct_runs direct on direct.execution_id = execution.id
    left join handlers on handlers.id = execution.handler_id
    left join handler_versions version on version.id = execution.handler_version_id
    left join begun on true
    left join canceller on true
    ${prepared}`.execute(db);
  const row = rows[0];
  if (row === undefined) throw new Error(`execution ${begin.executionId} does not exist`);
  if (!row.claimed) return { kind: 'claimed_by_another' };
  const event = toCancellingEvent(row);
  if (event !== null) return { kind: 'cancelled_by_event', event };
  if (!row.begun) {
    return row.status === 'waiting' || row.status === 'running'
      ? { kind: 'superseded' }
      : { kind: 'settled', status: row.status, reason: row.reason };
  }
  return {
    kind: 'begun',
    attempt: row.attempt,
    turn: begin.turn,
    executionKind: row.kind,
    rootId: row.root_id,
    event: {
      eventId: row.publisher_event_id,
      type: row.type,
      occurredAt: row.occurred_at,
      actor: row.actor,
    },
    contextJson: row.context,
    messagesJson: row.messages,
    handlerName: row.handler_name,
    program: {
      ...handlerFileOf(row.files),
      settings: HandlerSettings.parse(JSON.parse(row.settings)),
    },
    egress: row.egress === null ? {} : EgressRules.parse(JSON.parse(row.egress)),
    userFailures: row.user_failures,
    lostInARow: row.lost_in_a_row,
  };
}
