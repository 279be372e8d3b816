import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { cancelExecution } from '../workflows/signals-and-updates.ts';
import { toTemporalError } from './temporal-errors.ts';

/** False where Temporal has no such workflow, or one that has ended. Throws `temporal_unavailable`. */
export function askToCancelExecution(client: Client, workflowId: string, executionId: string): Promise<boolean> {
  return asked(() => client.workflow.getHandle(workflowId).signal(cancelExecution, executionId));
}

/** The same for all handlers of an event. */
export function askToCancelEvent(client: Client, workflowId: string): Promise<boolean> {
  return asked(() => client.workflow.getHandle(workflowId).cancel());
}

async function asked(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw toTemporalError(error);
  }
}
