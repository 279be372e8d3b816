import { activityInfo, cancellationSignal } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { HelperCall, HelperCallOutcome } from '../contract/workflow.ts';
import { callHelper } from '../workflows/signals-and-updates.ts';

/** Sends one call to the workflow that started this activity, and waits for its answer. */
export function createHelperUpdate(client: Client) {
  const { workflowExecution } = activityInfo();
  if (workflowExecution === undefined) throw new Error('runHandler runs inside a workflow only');
  const workflow = client.workflow.getHandle(workflowExecution.workflowId, workflowExecution.runId);
  const signal = cancellationSignal();
  return (updateId: string, call: HelperCall): Promise<HelperCallOutcome> =>
    client.connection.withAbortSignal(signal, () => workflow.executeUpdate(callHelper, { updateId, args: [call] }));
}
