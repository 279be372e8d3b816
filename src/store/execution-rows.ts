import type { Selectable } from 'kysely';
import { type Attempt, type Call, type Execution, HandlerError } from '../contract/execution.ts';
import { JsonValue } from '../contract/json.ts';
import type { AttemptLogs } from './logs.ts';
import { readable } from './shown-calls.ts';
import type { AttemptsTable, CallsTable, ExecutionsTable } from './tables.ts';

/** An execution's row with what it shows of its event, conversation, handler and version. */
export type ExecutionRow = Omit<Selectable<ExecutionsTable>, 'workflow_id'> & {
  event_type: string;
  public_id: string | null;
  handler_name: string;
  handler_version: number | null;
  workflow_id: string;
  claimed_by: string | null;
};

export function toExecution(row: ExecutionRow): Execution {
  const started = row.started_at !== null;
  return {
    id: row.id,
    kind: row.kind,
    eventId: row.event_id,
    eventType: row.event_type,
    conversationId: row.conversation_id,
    conversationPublicId: row.public_id,
    handlerId: row.handler_id,
    handlerName: row.handler_name,
    handlerVersion: row.handler_version,
    status: row.status,
    reason: row.reason,
    error: toHandlerError(row.error),
    result: toJson(row.result),
    attempts: row.attempt,
    rerunOf: row.rerun_of,
    workflowId: row.workflow_id,
    // The event was claimed by the run that has the first execution, not by that of a re-run.
    runId: row.rerun_of === null ? row.claimed_by : null,
    runsAt: row.runs_at?.toISOString() ?? null,
    queuedAt: row.queued_at.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    finishedAt: row.finished_at?.toISOString() ?? null,
    queueMs: started ? row.queue_ms : null,
    runMs: started ? row.run_ms : null,
  };
}

export function toAttempt(row: Selectable<AttemptsTable>, logs: AttemptLogs): Attempt {
  return {
    attempt: row.attempt,
    outcome: row.outcome,
    reason: row.reason,
    error: toHandlerError(row.error),
    queuedAt: row.queued_at.toISOString(),
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    queueMs: row.started_at.getTime() - row.queued_at.getTime(),
    runMs: row.run_ms,
    worker: row.worker,
    stdout: logs.stdout,
    stderr: logs.stderr,
  };
}

/** `newestAttempt`: the shown execution's; a call that it did not reach is marked. */
export function toCall(
  row: Omit<Selectable<CallsTable>, 'organization_id' | 'sealed_args' | 'sealed_answer'>,
  { id, attempt: newestAttempt }: { readonly id: string; readonly attempt: number },
): Call {
  return {
    id: row.id,
    name: row.name,
    n: row.n,
    try: row.try,
    effect: row.effect,
    state: row.state,
    args: JsonValue.parse(JSON.parse(row.args)),
    answer: readable(toJson(row.answer)),
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
    attempt: row.attempt,
    lastAttempt: row.last_attempt,
    replayedFrom: row.execution_id === id ? null : row.execution_id,
    unreached: row.last_attempt < newestAttempt,
    drift: toJson(row.drift),
    requestedAt: row.requested_at.toISOString(),
    answeredAt: row.answered_at?.toISOString() ?? null,
    durationMs: row.answered_at === null ? null : row.answered_at.getTime() - row.requested_at.getTime(),
  };
}

function toHandlerError(json: string | null): HandlerError | null {
  return json === null ? null : HandlerError.parse(JSON.parse(json));
}

function toJson(json: string | null): JsonValue {
  return json === null ? null : JsonValue.parse(JSON.parse(json));
}
