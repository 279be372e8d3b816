import type { ConversationEvent } from '../contract/conversation-event.ts';
import type { Execution } from '../contract/execution.ts';
import { AfterwordError } from '../domain/errors.ts';
import { isFinal } from '../domain/status.ts';
import { getEvent } from '../store/conversation-events.ts';
import type { Store } from '../store/database.ts';
import { settleExecution } from '../store/execution-ledger/finish-attempt.ts';
import { getExecution, unfinishedExecutions } from '../store/executions.ts';
import { forgetCredentials } from '../store/tool-invocations.ts';

/** How a cancellation reaches Temporal; false where there is no such workflow, or it has ended. */
export interface Canceller {
  /** Throws `temporal_unavailable`. */
  execution(workflowId: string, executionId: string): Promise<boolean>;
  /** Throws `temporal_unavailable`. */
  event(workflowId: string): Promise<boolean>;
}

export interface Cancelling {
  /**
   * `asked`: its workflow ends it, soon; else nobody runs it and it has been ended here. Throws `execution_not_found`,
   * `execution_ended`, `temporal_unavailable`.
   */
  execution(organizationId: string, id: string): Promise<{ asked: boolean; execution: Execution }>;
  /** The same for all handlers of an event that have not ended. Throws `event_not_found`, `execution_ended`, `temporal_unavailable`. */
  event(organizationId: string, id: string): Promise<{ asked: boolean; event: ConversationEvent }>;
}

export function createCancelling({ db }: Store, canceller: Canceller): Cancelling {
  async function endHere(organizationId: string, executionId: string): Promise<void> {
    const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
    await settleExecution(db, { organizationId, executionId, ...cancelled });
    await forgetCredentials(db, organizationId, executionId);
  }

  return {
    async execution(organizationId, id) {
      const found = await getExecution(db, organizationId, id);
      if (isFinal(found.status)) throw executionEnded(found);
      const asked = await canceller.execution(found.workflowId, id);
      // Its workflow was ended by hand, or never came to be: then nobody else would end it.
      if (!asked) await endHere(organizationId, id);
      const execution = await getExecution(db, organizationId, id);
      if (!asked && execution.status !== 'cancelled') throw executionEnded(execution);
      return { asked, execution };
    },
    async event(organizationId, id) {
      const found = await getEvent(db, organizationId, id);
      const open = await unfinishedExecutions(db, organizationId, id);
      if (open.length === 0) throw eventEnded(found);
      const asked = await canceller.event(found.workflowId);
      if (!asked) for (const executionId of open) await endHere(organizationId, executionId);
      return { asked, event: await getEvent(db, organizationId, id) };
    },
  };
}

function executionEnded({ id, status, finishedAt }: Execution): AfterwordError {
  return new AfterwordError('execution_ended', `The execution ${id} has ended as ${status}, at ${String(finishedAt)}.`);
}

function eventEnded({ id, status }: ConversationEvent): AfterwordError {
  if (status === 'no_handlers') return new AfterwordError('execution_ended', `No handler was on for the event ${id}.`);
  const how = status === 'running' ? 'what still runs was started again, and is cancelled by its own id' : status;
  return new AfterwordError('execution_ended', `The handlers of the event ${id} have ended: ${how}.`);
}
