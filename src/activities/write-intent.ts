import { AfterwordError } from '../domain/errors.ts';
import type { Database } from '../store/database.ts';
import type { AttemptRef } from '../store/execution-ledger/begin-attempt.ts';
import { recordIntent, type LedgerCall, type NewCall } from '../store/execution-ledger/calls.ts';
import type { LogChunk } from '../store/execution-ledger/write-logs.ts';
import type { Checkpoint, CheckpointSubject } from './checkpoint.ts';

export interface WriteIntentDeps {
  readonly db: Database;
  readonly ref: AttemptRef;
  /** Runs a write together with the output that is not written yet. */
  readonly writeWithLogs: <T>(write: (logs: LogChunk[]) => Promise<T>) => Promise<T>;
  readonly checkpoint?: Checkpoint | undefined;
}

/**
 * Writes a call down before anything leaves. Answers the call that a zombie of an earlier attempt wrote in between, where
 * there is one. Throws `attempt_superseded` where a newer attempt runs.
 */
export async function writeIntent(
  { db, ref, writeWithLogs, checkpoint }: WriteIntentDeps,
  call: Omit<NewCall, 'requestedAt'>,
  subject: CheckpointSubject,
): Promise<'recorded' | LedgerCall> {
  await checkpoint?.('intent:before', subject);
  const intent = await writeWithLogs((logs) => recordIntent(db, ref, { ...call, requestedAt: new Date() }, logs));
  await checkpoint?.('intent:after', subject);
  if (intent === 'superseded') throw superseded();
  return intent;
}

export function superseded(): AfterwordError {
  return new AfterwordError('attempt_superseded', 'A newer attempt of this execution has begun; this one stops.');
}
