import { sql } from 'kysely';
import type { CallEffect, CallState } from '../../domain/recorded-calls.ts';
import { createConversationWriter } from '../conversation-writer.ts';
import type { Database } from '../database.ts';
import { recordOutcome, type CallOutcome } from './calls.ts';

export interface CallToAnswer {
  readonly executionId: string;
  readonly callId: string;
  readonly argsJson: string;
  readonly conversation: ReturnType<typeof createConversationWriter>;
}

/**
 * Does a helper's work and records its answer in one transaction, so that the effect stands exactly when the record
 * does. A call that has its answer keeps it: a repeat of the activity changes nothing. When `work` throws, nothing
 * of it stays. Writes to one conversation follow one another: its row is locked until the answer stands.
 */
export async function answerCall(
  db: Database,
  organizationId: string,
  callId: string,
  effect: CallEffect,
  work: (call: CallToAnswer) => Promise<CallOutcome>,
): Promise<CallState> {
  return db.transaction().execute(async (trx) => {
    const { rows } = await sql<{ state: CallState; args: string; execution_id: string; conversation_id: string }>`
      select calls.state, calls.args, calls.execution_id, executions.conversation_id
      from calls
        join executions on executions.id = calls.execution_id
        join conversations on conversations.organization_id = calls.organization_id
          and conversations.id = executions.conversation_id
      where calls.id = ${callId} and calls.organization_id = ${organizationId}
      for update of calls ${effect === 'write' ? sql`for no key update of conversations` : sql``}`.execute(trx);
    const row = rows[0];
    if (row === undefined) throw new Error(`call ${callId} does not exist`);
    if (row.state !== 'intent') return row.state;
    const outcome = await work({
      executionId: row.execution_id,
      callId,
      argsJson: row.args,
      conversation: createConversationWriter(trx, organizationId, row.conversation_id),
    });
    await recordOutcome(trx, organizationId, callId, outcome);
    return outcome.state;
  });
}
