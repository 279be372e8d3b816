import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { ErasedConversation } from '../contract/conversation-parts.ts';
import { AfterwordError } from '../domain/errors.ts';
import { findConversationRow } from './conversations.ts';
import type { Database } from './database.ts';
import { patternOf } from './timeline-event-search.ts';
import { inTransaction } from './transaction.ts';

const Ids = z.array(z.object({ id: z.string() }));

/**
 * Erases what a conversation holds, in one transaction, wherever the store has it. Kept: the ids and times of the conversation, the keys of
 * its events, so that a late repeat runs nothing, and its executions with status and times.
 * Throws `conversation_not_found`, and `conversation_in_use` while an execution of it has not ended.
 */
export async function eraseConversation(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
): Promise<ErasedConversation> {
  return await inTransaction(db, async (trx) => {
    const { id, public_id: publicId } = await findConversationRow(trx, organizationId, idOrPublicId, 'locked');
    const own = sql`organization_id = ${organizationId} and conversation_id = ${id}::uuid`;
    await refuseRunning(trx, own);
    const executions = await idsOf(trx, sql`select id from executions where ${own}`);
    const ofExecutions = sql`execution_id = any(${executions}::uuid[])`;
    const events = await idsOf(trx, sql`select id from analytics_events where ${ofExecutions}`);
    const ofEvents = sql`event_id = any(${events}::uuid[])`;
    const calls = sql`select id from calls where ${ofExecutions}`;
    const count = (statement: RawBuilder<unknown>) => affected(trx, statement);
    const tags = await idsOf(trx, sql`delete from conversation_tags where ${own} returning tag_id as id`);

    const replayedCalls = await count(sql`delete from replayed_calls where ${ofExecutions} or call_id in (${calls})`);
    const erased = {
      messages: await count(sql`delete from messages where ${own}`),
      metadata: await count(sql`delete from conversation_metadata where ${own}`),
      tags: tags.length,
      timelineEvents: await count(
        sql`delete from timeline_events where organization_id = ${organizationId} and conversation_id in (${id}, ${publicId})`,
      ),
      events: await count(
        sql`update conversation_events set context = '{}', message_seq = 0, actor = null where ${own}`,
      ),
      executions: await count(sql`
        update executions set result = null, error = null, error_text = null, erased_at = now(), record_removed_at = now()
        where id = any(${executions}::uuid[])`),
      calls: await count(sql`delete from calls where ${ofExecutions}`),
      replayedCalls,
      logs: await count(sql`delete from log_chunks where ${ofExecutions}`),
      directRuns: await count(sql`
        update direct_runs set context = '{}', message_seq = 0, actor = null, files = '{}', settings = '{}'
        where ${ofExecutions}`),
      testRunWrites: await count(sql`delete from test_run_writes where ${ofExecutions}`),
      analyticsDeliveries: await count(sql`delete from analytics_deliveries where ${ofEvents}`),
      analyticsEvents: await erasedEvents(trx, ofEvents, ofExecutions),
      keptAnswers: await count(
        sql`delete from idempotency_keys where organization_id = ${organizationId} and body like ${patternOf(id)}`,
      ),
    };
    await count(sql`update attempts set error = null where ${ofExecutions}`);
    await removeUnused(trx, tags);
    await count(sql`
      update conversations
      set public_id = 'erased:' || id, subject = '', business_slug = '', business_name = '', customer = null,
          initial_channel = null, latest_channel = null, browser_session = null, message_bytes = 0, erased_at = now()
      where organization_id = ${organizationId} and id = ${id}`);
    return { id, erased };
  });
}

async function refuseRunning(trx: Database, own: RawBuilder<unknown>): Promise<void> {
  const [running] = await idsOf(trx, sql`select id from executions where ${own} and finished_at is null limit 1`);
  if (running === undefined) return;
  throw new AfterwordError('conversation_in_use', `Execution ${running} of the conversation has not ended.`);
}

async function erasedEvents(
  trx: Database,
  ofEvents: RawBuilder<unknown>,
  ofExecutions: RawBuilder<unknown>,
): Promise<number> {
  await affected(trx, sql`delete from analytics_records where ${ofEvents}`);
  return await affected(trx, sql`delete from analytics_events where ${ofExecutions}`);
}

/** A name that no other conversation has may have been this person's. */
async function removeUnused(trx: Database, tags: readonly string[]): Promise<void> {
  // Locked first: who is adding one of them to another conversation has ended then, and is seen by the next statement.
  await sql`select 1 from tags where id = any(${tags}::uuid[]) order by id for update`.execute(trx);
  await sql`
    delete from tags where id = any(${tags}::uuid[])
      and not exists (select 1 from conversation_tags where tag_id = tags.id)`.execute(trx);
}

async function idsOf(trx: Database, statement: RawBuilder<unknown>): Promise<string[]> {
  return Ids.parse((await statement.execute(trx)).rows).map(({ id }) => id);
}

async function affected(trx: Database, statement: RawBuilder<unknown>): Promise<number> {
  return Number((await statement.execute(trx)).numAffectedRows ?? 0);
}
