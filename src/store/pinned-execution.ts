import type { PinnedExecution } from '../contract/workflow.ts';

/** What its workflow is told of a waiting execution. One without a delay says nothing of its cancelling events: its start finds them. */
export function toPinnedExecution(row: {
  readonly executionId: string;
  readonly handlerName: string;
  readonly runsAt: Date | null;
  readonly cancelOn: readonly string[] | null;
}): PinnedExecution {
  const { executionId, handlerName, runsAt, cancelOn } = row;
  if (runsAt === null) return { executionId, handlerName };
  return { executionId, handlerName, runsAt: runsAt.toISOString(), ...(cancelOn === null ? {} : { cancelOn }) };
}
