import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { cancelExecution } from '../workflows/signals-and-updates.ts';
import { toTemporalError } from './temporal-errors.ts';

/** False where Temporal has no such workflow, or one that has ended. Throws `temporal_unavailable`. */
export function askToCancelExecution(client: Client, workflowId: string, executionId: string): Promise<boolean> {
  return asked(async () => {
    await client.workflow.getHandle(workflowId).signal(cancelExecution, executionId);
    return true;
  });
}

/** The same for all handlers of an event. The server takes the cancellation of what has ended without a word. */
export function askToCancelEvent(client: Client, workflowId: string): Promise<boolean> {
  return asked(async () => {
    const workflow = client.workflow.getHandle(workflowId);
    const { status } = await workflow.describe();
    if (status.name !== 'RUNNING') return false;
    await workflow.cancel();
    return true;
  });
}

async function asked(ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw toTemporalError(error);
  }
}
