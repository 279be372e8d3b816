import { v7 as uuidv7 } from 'uuid';
import type { HandlerSettings } from '../contract/handler.ts';
import type { HandlerLanguage } from '../contract/handler-language.ts';
import { directRunWorkflowIdOf } from '../domain/event-key.ts';
import { refuseLargeCode } from '../domain/handler-code.ts';
import { limits } from '../domain/limits.ts';
import type { DirectRunKind } from '../domain/status.ts';
import type { Database } from './database.ts';
import { filesJsonOf } from './handler-files.ts';

/** What is run without an event, as it is at this moment: nothing of it changes later. */
export interface NewDirectRun {
  /** Of its execution, where something of it is bound to that; left out: a new one. */
  readonly id?: string;
  readonly kind: DirectRunKind;
  /** Shown as the execution's handler. */
  readonly handlerName: string;
  /** Ids of the saved handler that it belongs to; the version's only where its code is run unchanged. */
  readonly handlerId: string | null;
  readonly handlerVersionId: string | null;
  readonly conversationId: string | null;
  readonly eventType: string;
  readonly actor?: string | undefined;
  readonly occurredAt: Date;
  /** JSON object: the handler's context without args and messages. */
  readonly contextJson: string;
  /** The newest message it sees; 0 without a conversation. */
  readonly messageSeq: number;
  readonly language: HandlerLanguage;
  readonly code: string;
  readonly settings: HandlerSettings;
}

/** What its workflow is started with. */
export interface CreatedDirectRun {
  readonly organizationId: string;
  readonly executionId: string;
  readonly workflowId: string;
  readonly handlerName: string;
  readonly eventType: string;
  readonly conversationId: string | null;
}

/**
 * Creates the waiting execution of a run that no event started; its workflow, which the caller starts, runs it. Should no
 * worker take it up in 10 minutes, the relay cancels it: nobody waits for its answer any more.
 * Throws `invalid_handler` for code over 256 KB.
 */
export async function createDirectRun(
  db: Database,
  organizationId: string,
  run: NewDirectRun,
): Promise<CreatedDirectRun> {
  refuseLargeCode(run.code);
  const id = run.id ?? uuidv7();
  const queuedAt = new Date();
  const workflowId = directRunWorkflowIdOf(run.kind, organizationId, id);
  await db
    .with('created', (query) =>
      query.insertInto('executions').values({
        id,
        organization_id: organizationId,
        kind: run.kind,
        event_id: null,
        conversation_id: run.conversationId,
        handler_id: run.handlerId,
        handler_version_id: run.handlerVersionId,
        ordinal: 0,
        event_type: run.eventType,
        reason: null,
        error: null,
        result: null,
        root_id: null,
        queued_at: queuedAt,
        relay_at: new Date(queuedAt.getTime() + limits.directRunStartMs),
        started_at: null,
        finished_at: null,
      }),
    )
    .insertInto('direct_runs')
    .values({
      execution_id: id,
      organization_id: organizationId,
      workflow_id: workflowId,
      handler_name: run.handlerName,
      event_id: `${run.kind}-run/${id}`,
      event_type: run.eventType,
      actor: run.actor ?? null,
      occurred_at: run.occurredAt,
      context: run.contextJson,
      message_seq: run.messageSeq,
      files: filesJsonOf(run),
      settings: JSON.stringify(run.settings),
    })
    .execute();
  const { handlerName, eventType, conversationId } = run;
  return { organizationId, executionId: id, workflowId, handlerName, eventType, conversationId };
}
