import { type ExecutionStatus, isFinal } from './status.ts';

/** Why an execution that a filter matches is not run again with the others. */
export const notTakenReasons = [
  /** A test run, the invocation of a tool, or its handler was deleted. */
  'not_rerunnable',
  'execution_not_ended',
  /** A re-run of it has not ended. */
  'rerun_under_way',
  /** It was run again before, and that succeeded. */
  'rerun_succeeded',
  /** A newer one that continues the same record is among those that match. */
  'newer_matches',
  /** What it would be answered from is kept no longer. */
  'record_removed',
  'helper_removed',
  /** The filter matches more than one request may run again. */
  'too_many',
] as const;
export type NotTakenReason = (typeof notTakenReasons)[number];

export interface RerunCandidate {
  readonly id: string;
  /** Of those that share a record of calls. */
  readonly recordId: string;
  readonly rerunnable: boolean;
  readonly status: ExecutionStatus;
  /** Of its re-runs, and of all that share its record. */
  readonly related: readonly ExecutionStatus[];
  readonly succeededSince: boolean;
  readonly recordRemoved: boolean;
  readonly callsRemoved: boolean;
}

export interface RerunSet {
  /** In the order they are to start: oldest first. */
  readonly taken: readonly RerunCandidate[];
  readonly notTaken: ReadonlyMap<NotTakenReason, readonly string[]>;
}

/** Which of the candidates, oldest first, are run again: each record once, and none while it is at work. */
export function chooseReruns(candidates: readonly RerunCandidate[]): RerunSet {
  const newest = new Map(candidates.map(({ recordId, id }) => [recordId, id]));
  const taken: RerunCandidate[] = [];
  const notTaken = new Map<NotTakenReason, string[]>();
  for (const candidate of candidates) {
    const reason = whyNot(candidate, newest);
    if (reason === null) taken.push(candidate);
    else notTaken.set(reason, [...(notTaken.get(reason) ?? []), candidate.id]);
  }
  return { taken, notTaken };
}

function whyNot(candidate: RerunCandidate, newest: ReadonlyMap<string, string>): NotTakenReason | null {
  if (!candidate.rerunnable) return 'not_rerunnable';
  if (!isFinal(candidate.status)) return 'execution_not_ended';
  if (candidate.related.some((status) => !isFinal(status))) return 'rerun_under_way';
  if (candidate.succeededSince) return 'rerun_succeeded';
  if (newest.get(candidate.recordId) !== candidate.id) return 'newer_matches';
  if (candidate.recordRemoved) return 'record_removed';
  return candidate.callsRemoved ? 'helper_removed' : null;
}
