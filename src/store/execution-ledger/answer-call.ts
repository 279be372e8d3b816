import { sql } from 'kysely';
import type { CallEffect, CallState } from '../../domain/recorded-calls.ts';
import type { ExecutionKind } from '../../domain/status.ts';
import { createConversationWriter } from '../conversation-writer.ts';
import type { Database } from '../database.ts';
import { createMissingConversation } from '../missing-conversation.ts';
import { createTestRunWriter } from '../test-run-writer.ts';
import { recordOutcome, type CallOutcome } from './calls.ts';
import { prepared } from '../prepared-statements.ts';

export interface CallToAnswer {
  readonly executionId: string;
  readonly callId: string;
  /** Masked where `sealedArgs` is there: what is written on the conversation is read by people. */
  readonly argsJson: string;
  readonly sealedArgs: string | null;
  readonly conversation: ConversationWriter;
}

interface CallRow {
  state: CallState;
  args: string;
  sealed_args: string | null;
  execution_id: string;
  conversation_id: string | null;
  kind: ExecutionKind;
}

/**
 * Does a helper's work and records its answer in one transaction, so that the effect stands exactly when the record
 * does. A call that has its answer keeps it: a repeat of the activity changes nothing. When `work` throws, nothing
 * of it stays. Writes to one conversation follow one another: its row is locked until the answer stands. A test run
 * writes nothing to its conversation and locks nothing.
 */
export async function answerCall(
  db: Database,
  organizationId: string,
  callId: string,
  effect: CallEffect,
  work: (call: CallToAnswer) => Promise<CallOutcome>,
): Promise<CallState> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<CallRow>`
      with call as (
        select calls.state, calls.args, calls.sealed_args, calls.execution_id, executions.conversation_id, executions.kind
        from calls join executions on executions.id = calls.execution_id
        where calls.id = ${callId} and calls.organization_id = ${organizationId}
        for update of calls
      ), locked as (
        select 1 from conversations
        where organization_id = ${organizationId} and ${effect === 'write'}::boolean
          and id = (select conversation_id from call where kind <> 'test')
        for no key update
      )
      select call.*, (select count(*) from locked) as locked from call
      ${prepared}`.execute(trx);
    const row = rows[0];
    if (row === undefined) throw new Error(`call ${callId} does not exist`);
    if (row.state !== 'intent') return row.state;
    const outcome = await work({
      executionId: row.execution_id,
      callId,
      argsJson: row.args,
      sealedArgs: row.sealed_args,
      conversation: writerOf(trx, organizationId, row),
    });
    await recordOutcome(trx, organizationId, callId, outcome);
    return outcome.state;
  });
}

type ConversationWriter = ReturnType<typeof createConversationWriter>;

function writerOf(trx: Database, organizationId: string, row: CallRow): ConversationWriter {
  const { conversation_id: conversationId, execution_id: executionId, kind } = row;
  if (conversationId === null) return createMissingConversation();
  return kind === 'test'
    ? createTestRunWriter(trx, { organizationId, conversationId, executionId })
    : createConversationWriter(trx, organizationId, conversationId);
}
