import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionDetail } from '../contract/execution.ts';
import { isFinal } from '../domain/status.ts';
import { createDirectRun, type CreatedDirectRun, type NewDirectRun } from '../store/direct-runs.ts';
import type { Store } from '../store/database.ts';
import { settleExecution } from '../store/execution-ledger/finish-attempt.ts';
import { getExecution } from '../store/executions.ts';
import { forgetCredentials } from '../store/tool-invocations.ts';

/** How runs without an event reach Temporal. */
export interface DirectRunner {
  /** Idempotent. Throws `temporal_unavailable`. */
  start(run: CreatedDirectRun): Promise<{ duplicate: boolean }>;
  /** Resolves when its workflow has ended; rejects when the signal is aborted or Temporal is away. */
  ended(workflowId: string, signal: AbortSignal): Promise<void>;
  /** Aborted when the server stops: nobody waits any longer. */
  readonly stopping: AbortSignal;
}

export interface Waiting {
  readonly ms: number;
  /** Of the request: aborted when the client has gone. */
  readonly signal: AbortSignal;
}

/** Runs it and answers the execution when it has ended, or as it stands when the wait is over: then it goes on. */
export type RunDirectly = (organizationId: string, run: NewDirectRun, waiting: Waiting) => Promise<ExecutionDetail>;

/** Writes it down and starts it. Throws `temporal_unavailable`: then it is cancelled. */
export type StartDirectly = (organizationId: string, run: NewDirectRun) => Promise<CreatedDirectRun>;

/** After an end that could not be awaited, Temporal being away, or that left no status, an operator having ended it. */
const lookAgainMs = 250;
/** The workflow goes on after its execution where events are delivered: so the store is looked at meanwhile. */
const lookEveryMs = 1_000;

export function createStartDirectly(store: Store, runner: DirectRunner): StartDirectly {
  return async (organizationId, run) => {
    const created = await createDirectRun(store.db, organizationId, run);
    await start(store, runner, created);
    return created;
  };
}

export function createRunDirectly(store: Store, runner: DirectRunner): RunDirectly {
  const startDirectly = createStartDirectly(store, runner);
  return async (organizationId, run, waiting) => {
    const created = await startDirectly(organizationId, run);
    const patience = AbortSignal.any([AbortSignal.timeout(waiting.ms), waiting.signal, runner.stopping]);
    for (;;) {
      const soon = AbortSignal.any([patience, AbortSignal.timeout(lookEveryMs)]);
      await runner.ended(created.workflowId, soon).catch(() => undefined);
      const execution = await getExecution(store.db, organizationId, created.executionId);
      if (isFinal(execution.status) || patience.aborted) return execution;
      if (!soon.aborted) await sleep(lookAgainMs, undefined, { signal: soon }).catch(() => undefined);
    }
  };
}

/** What could not be started is no run that waits: it is cancelled, also should its workflow have come to be after all. */
async function start({ db }: Store, runner: DirectRunner, run: CreatedDirectRun): Promise<void> {
  try {
    await runner.start(run);
  } catch (error) {
    const { organizationId, executionId } = run;
    const cancelled = { status: 'cancelled', reason: null, error: null, claimFor: null } as const;
    await settleExecution(db, { organizationId, executionId, ...cancelled });
    await forgetCredentials(db, organizationId, executionId);
    throw error;
  }
}
