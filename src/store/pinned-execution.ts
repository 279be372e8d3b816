import type { PinnedExecution } from '../contract/workflow.ts';

/** What its workflow is told of an execution. */
export function toPinnedExecution(row: {
  readonly executionId: string;
  readonly handlerName: string;
  readonly runsAt: Date | null;
  readonly cancelOn: readonly string[] | null;
}): PinnedExecution {
  const { executionId, handlerName, runsAt, cancelOn } = row;
  return {
    executionId,
    handlerName,
    ...(runsAt === null ? {} : { runsAt: runsAt.toISOString() }),
    ...(cancelOn === null ? {} : { cancelOn }),
  };
}
