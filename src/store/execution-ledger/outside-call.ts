import { sql } from 'kysely';
import type { CallState } from '../../domain/recorded-calls.ts';
import type { ExecutionKind } from '../../domain/status.ts';
import type { Database } from '../database.ts';

export interface OutsideCall {
  readonly state: CallState;
  /** Names the effect outside: the same for an execution and its re-runs. */
  readonly rootId: string;
  readonly name: string;
  /** The n-th call of that name. */
  readonly n: number;
  readonly tryNumber: number;
  readonly argsJson: string;
  /** What the arguments really were, where secrets are around. */
  readonly sealedArgs: string | null;
  readonly executionKind: ExecutionKind;
  /** Its execution has ended without the answer; a re-run joins the call. */
  readonly leftBehind: boolean;
}

/** A call whose helper works outside of the store: read without a lock, answered later by `recordOutcome`. */
export async function readOutsideCall(db: Database, organizationId: string, callId: string): Promise<OutsideCall> {
  const row = await db
    .selectFrom('calls')
    .innerJoin('executions', 'executions.id', 'calls.execution_id')
    .select(['calls.state', 'calls.name', 'calls.n', 'calls.try', 'calls.args', 'calls.sealed_args', 'executions.kind'])
    .select(sql<boolean>`executions.finished_at is not null`.as('left_behind'))
    .select(sql<string>`coalesce(executions.root_id, executions.id)`.as('root_id'))
    .where('calls.organization_id', '=', organizationId)
    .where('calls.id', '=', callId)
    .executeTakeFirst();
  if (row === undefined) throw new Error(`call ${callId} does not exist`);
  return {
    state: row.state,
    rootId: row.root_id,
    name: row.name,
    n: row.n,
    tryNumber: row.try,
    argsJson: row.args,
    sealedArgs: row.sealed_args,
    executionKind: row.kind,
    leftBehind: row.left_behind,
  };
}
