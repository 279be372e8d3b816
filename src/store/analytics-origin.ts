import { sql } from 'kysely';
import { z } from 'zod';
import type { Database } from './database.ts';
import type { AttemptRef } from './execution-ledger/begin-attempt.ts';

export interface AnalyticsOrigin {
  readonly handlerId: string | null;
  /** Of the conversation's first message, as the platform sent it. */
  readonly conversationStart: string | null;
}

const FirstMessage = z.object({ timestamp: z.string() });

/** What analytics events of an execution are told of it besides what the handler's context holds. */
export async function loadAnalyticsOrigin(db: Database, ref: AttemptRef): Promise<AnalyticsOrigin> {
  const { rows } = await sql<{ handler_id: string | null; first_message: string | null }>`
    select execution.handler_id, (
      select body from messages
      where messages.organization_id = execution.organization_id
        and messages.conversation_id = execution.conversation_id
      order by seq limit 1
    ) as first_message
    from executions execution
    where execution.id = ${ref.executionId} and execution.organization_id = ${ref.organizationId}`.execute(db);
  const row = rows[0];
  const first = row?.first_message ?? null;
  return {
    handlerId: row?.handler_id ?? null,
    conversationStart: first === null ? null : FirstMessage.parse(JSON.parse(first)).timestamp,
  };
}
