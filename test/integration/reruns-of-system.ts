import type { ExecutionDetail } from '../../src/contract/execution.ts';
import type { RerunInput } from '../../src/contract/rerun.ts';
import { helpers } from '../../src/helpers/registry.ts';
import { getExecution } from '../../src/store/executions.ts';
import { createRerun, type CreatedRerun } from '../../src/store/reruns.ts';
import { startDirectRun } from '../../src/temporal/start-direct-run.ts';
import { organization, type TestSystem } from '../setup/system.ts';

const helperNames = new Set(helpers.map(({ name }) => name));

/** Writes a re-run down, as the API does, and starts nothing. */
export function writeRerun(system: TestSystem, id: string, input: Partial<RerunInput> = {}): Promise<CreatedRerun> {
  return createRerun(system.store.db, organization, id, { version: 'same', fresh: false, ...input }, helperNames);
}

export function startRerun(system: TestSystem, run: CreatedRerun): Promise<{ duplicate: boolean }> {
  return startDirectRun(system.temporal.client, system.taskQueue, run);
}

/** The re-run's execution when its workflow has ended. */
export async function endOfRerun(system: TestSystem, run: CreatedRerun): Promise<ExecutionDetail> {
  await system.temporal.client.workflow.getHandle(run.workflowId).result();
  return getExecution(system.store.db, organization, run.executionId);
}

export async function rerun(system: TestSystem, id: string, input: Partial<RerunInput> = {}): Promise<ExecutionDetail> {
  const run = await writeRerun(system, id, input);
  await startRerun(system, run);
  return endOfRerun(system, run);
}
