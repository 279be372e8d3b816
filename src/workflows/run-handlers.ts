import type { ExecutionState, RunHandlersStart } from '../contract/workflow.ts';
import { HandlerRuns } from './handler-runs.ts';

/** A group of handlers in a workflow of their own: a part of an event that has more than one workflow holds. */
export async function runHandlers(start: RunHandlersStart): Promise<ExecutionState[]> {
  const runs = new HandlerRuns();
  const { outcome } = await runs.run(start);
  return outcome === 'duplicate' ? [] : runs.states;
}
