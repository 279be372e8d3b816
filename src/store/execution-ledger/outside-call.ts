import type { CallState } from '../../domain/recorded-calls.ts';
import type { ExecutionKind } from '../../domain/status.ts';
import type { Database } from '../database.ts';

export interface OutsideCall {
  readonly state: CallState;
  readonly executionId: string;
  readonly name: string;
  /** The n-th call of that name. */
  readonly n: number;
  readonly tryNumber: number;
  readonly argsJson: string;
  readonly executionKind: ExecutionKind;
}

/** A call whose helper works outside of the store: read without a lock, answered later by `recordOutcome`. */
export async function readOutsideCall(db: Database, organizationId: string, callId: string): Promise<OutsideCall> {
  const row = await db
    .selectFrom('calls')
    .innerJoin('executions', 'executions.id', 'calls.execution_id')
    .select([
      'calls.state',
      'calls.execution_id',
      'calls.name',
      'calls.n',
      'calls.try',
      'calls.args',
      'executions.kind',
    ])
    .where('calls.organization_id', '=', organizationId)
    .where('calls.id', '=', callId)
    .executeTakeFirst();
  if (row === undefined) throw new Error(`call ${callId} does not exist`);
  return {
    state: row.state,
    executionId: row.execution_id,
    name: row.name,
    n: row.n,
    tryNumber: row.try,
    argsJson: row.args,
    executionKind: row.kind,
  };
}
