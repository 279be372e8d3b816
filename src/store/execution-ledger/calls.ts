import { sql } from 'kysely';
import { isRequestName, type CallEffect, type CallState, type RecordedCall } from '../../domain/recorded-calls.ts';
import type { Database } from '../database.ts';
import type { AttemptRef } from './begin-attempt.ts';
import { logInsert, type LogChunk } from './write-logs.ts';
import { prepared } from '../prepared-statements.ts';

export interface LedgerCall extends RecordedCall {
  /** Whose call it was: of a re-run maybe a predecessor. */
  readonly executionId: string;
  readonly name: string;
  readonly n: number;
  /** JSON text; null while there is none, and where the ledger left it out because it is long: see `withAnswer`. */
  readonly answerJson: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Where secrets are around the two above are masked, and these what they really were. */
  readonly sealedArgs?: string | null;
  readonly sealedAnswer?: string | null;
}

export interface Ledger {
  /** The newest try of every call, of a re-run over all of its predecessors too. */
  readonly calls: readonly LedgerCall[];
  /** Calls that this execution made so far, every try counted. */
  readonly made: { readonly helperCalls: number; readonly requests: number };
}

const columns = [
  'id',
  'execution_id',
  'name',
  'n',
  'try',
  'state',
  'args',
  'answer',
  'sealed_args',
  'sealed_answer',
  'error_code',
  'error_message',
] as const;

interface Row {
  id: string;
  execution_id: string;
  name: string;
  n: number;
  try: number;
  state: CallState;
  args: string;
  answer: string | null;
  sealed_args: string | null;
  sealed_answer: string | null;
  error_code: string | null;
  error_message: string | null;
}

function toLedgerCall(row: Row): LedgerCall {
  return {
    callId: row.id,
    executionId: row.execution_id,
    name: row.name,
    n: row.n,
    tryNumber: row.try,
    state: row.state,
    argsJson: row.args,
    answerJson: row.answer,
    sealedArgs: row.sealed_args,
    sealedAnswer: row.sealed_answer,
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message ?? '' },
  };
}

/** Longer answers are read when they are replayed: an execution may have 190 of 5 MB each. */
const mostLoadedBytes = 64 << 10;

function loadedNow(column: 'answer' | 'sealed_answer') {
  return sql<string | null>`
    case when octet_length(coalesce(sealed_answer, answer)) <= ${mostLoadedBytes}::integer then ${sql.ref(column)} end`;
}

/** Read once, when an execution is tried again or is a re-run. `rootId`: where its record began. */
export async function loadLedger(db: Database, ref: AttemptRef, rootId: string): Promise<Ledger> {
  const rows = await db
    .selectFrom('calls')
    .select(columns.filter((column) => column !== 'answer' && column !== 'sealed_answer'))
    .select([loadedNow('answer').as('answer'), loadedNow('sealed_answer').as('sealed_answer')])
    .where('organization_id', '=', ref.organizationId)
    .where((where) =>
      rootId === ref.executionId
        ? where('execution_id', '=', rootId)
        : where('execution_id', 'in', (select) =>
            select
              .selectFrom('executions')
              .select('id')
              .where('organization_id', '=', ref.organizationId)
              .where((of) => of.or([of('id', '=', rootId), of('root_id', '=', rootId)])),
          ),
    )
    .orderBy('name')
    .orderBy('n')
    .orderBy('try', 'desc')
    .execute();
  const calls: LedgerCall[] = [];
  for (const row of rows) {
    const newest = calls.at(-1);
    if (newest?.name !== row.name || newest.n !== row.n) calls.push(toLedgerCall(row));
  }
  const own = rows.filter((row) => row.execution_id === ref.executionId);
  const requests = own.filter(({ name }) => isRequestName(name)).length;
  return { calls, made: { helperCalls: own.length - requests, requests } };
}

export interface NewCall {
  readonly callId: string;
  readonly name: string;
  readonly n: number;
  readonly tryNumber: number;
  readonly effect: CallEffect;
  readonly argsJson: string;
  /** Left out: `argsJson` is all there is. */
  readonly sealedArgs?: string | null;
  readonly requestedAt: Date;
}

/**
 * Writes down that the call is about to be made, before anything leaves. The fence: where a newer attempt runs, or the
 * execution has ended, nothing is written and the answer is `superseded`. A zombie that came between is found here as
 * the call it wrote. Output printed before the call is written with it, so that a kill keeps it.
 */
export async function recordIntent(
  db: Database,
  ref: AttemptRef,
  call: NewCall,
  logs: readonly LogChunk[],
): Promise<'recorded' | 'superseded' | LedgerCall> {
  const withLogs = logs.length > 0 ? sql`with logs as (${logInsert(ref, logs)})` : sql``;
  const written = await sql<{ id: string }>`
    ${withLogs}
    insert into calls (id, organization_id, execution_id, name, n, try, effect, args, sealed_args, attempt, last_attempt,
                       requested_at)
    select ${call.callId}::uuid, organization_id, id, ${call.name}, ${call.n}::integer, ${call.tryNumber}::integer,
           ${call.effect}, ${call.argsJson}, ${call.sealedArgs ?? null}::text, ${ref.attempt}::integer,
           ${ref.attempt}::integer, ${call.requestedAt}::timestamptz
    from executions
    where id = ${ref.executionId} and organization_id = ${ref.organizationId}
      and attempt = ${ref.attempt} and finished_at is null
    on conflict (execution_id, name, n, try) do nothing
    returning id
    ${prepared}`.execute(db);
  if (written.rows.length > 0) return 'recorded';
  const other = await db
    .selectFrom('calls')
    .innerJoin('executions', 'executions.id', 'calls.execution_id')
    .select(columns.map((column) => `calls.${column}` as const))
    .where('calls.organization_id', '=', ref.organizationId)
    .where('execution_id', '=', ref.executionId)
    .where('calls.name', '=', call.name)
    .where('n', '=', call.n)
    .where('try', '=', call.tryNumber)
    .where('executions.attempt', '=', ref.attempt)
    .where('executions.finished_at', 'is', null)
    .executeTakeFirst();
  return other === undefined ? 'superseded' : toLedgerCall(other);
}

export async function readCall(db: Database, organizationId: string, callId: string): Promise<LedgerCall> {
  const row = await db
    .selectFrom('calls')
    .select(columns)
    .where('organization_id', '=', organizationId)
    .where('id', '=', callId)
    .executeTakeFirstOrThrow();
  return toLedgerCall(row);
}

/** A call that is replayed, with all of its answer. */
export async function withAnswer(db: Database, organizationId: string, call: LedgerCall): Promise<LedgerCall> {
  return call.answerJson === null && call.state === 'succeeded' ? readCall(db, organizationId, call.callId) : call;
}

export interface CallOutcome {
  readonly state: Exclude<CallState, 'intent'>;
  readonly answerJson: string | null;
  /** Left out: `answerJson` is all there is. */
  readonly sealedAnswer?: string | null;
  /** Of a call that succeeded: what the handler's own fallback stands in for. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Records an answer where there is none yet; an answer once written stays. */
export async function recordOutcome(
  db: Database,
  organizationId: string,
  callId: string,
  outcome: CallOutcome,
): Promise<void> {
  await db
    .updateTable('calls')
    .set({
      state: outcome.state,
      answer: outcome.answerJson,
      sealed_answer: outcome.sealedAnswer ?? null,
      error_code: outcome.error?.code ?? null,
      error_message: outcome.error?.message ?? null,
      answered_at: new Date(),
    })
    .where('organization_id', '=', organizationId)
    .where('id', '=', callId)
    .where('state', '=', 'intent')
    .modifyEnd(prepared)
    .execute();
}
