import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Each removes at most `limit` of the things that are older than `before`, of all organisations, in one statement, and answers how many
 * it were. Called again until nothing is left; a worker that dies between two has removed whole things only.
 */
export type Removal = (db: Database, before: Date, limit: number) => Promise<number>;

/**
 * Output and calls of executions, their own lines stay. A record that several share (an execution and those that ran it again)
 * goes when the last of them is old enough.
 */
export const removeRecords: Removal = async (db, before, limit) => {
  const { rows } = await sql<{ id: string }>`
    with old as (
      select id from executions old
      where finished_at < ${before}::timestamptz and record_removed_at is null
        and not exists (
          select 1 from executions other
          where (other.root_id = coalesce(old.root_id, old.id) or other.id = old.root_id)
            and (other.finished_at is null or other.finished_at >= ${before}::timestamptz)
        )
      order by finished_at limit ${limit}::integer
      for update skip locked
    ), replays as (
      delete from replayed_calls using old where replayed_calls.execution_id = old.id
    ), replays_of_others as (
      delete from replayed_calls using calls, old
      where replayed_calls.call_id = calls.id and calls.execution_id = old.id and replayed_calls.execution_id <> old.id
    ), own_calls as (
      delete from calls using old where calls.execution_id = old.id
    ), output as (
      delete from log_chunks using old where log_chunks.execution_id = old.id
    ), writes as (
      delete from test_run_writes using old where test_run_writes.execution_id = old.id
    )
    update executions set record_removed_at = now() from old where executions.id = old.id
    returning executions.id`.execute(db);
  return rows.length;
};

/** Messages of conversations that nobody wrote in and no event named since. Their numbers are not used again. */
export const removeMessages: Removal = async (db, before, limit) => {
  const { rows } = await sql<{ id: string }>`
    with old as (
      select organization_id, id from conversations
      where updated_at < ${before}::timestamptz and message_bytes > 0
        and not exists (
          select 1 from conversation_events event
          where event.organization_id = conversations.organization_id and event.conversation_id = conversations.id
            and event.received_at >= ${before}::timestamptz
        )
      limit ${limit}::integer
      for update skip locked
    ), gone as (
      delete from messages using old
      where messages.organization_id = old.organization_id and messages.conversation_id = old.id
    )
    update conversations set message_bytes = 0 from old
    where conversations.organization_id = old.organization_id and conversations.id = old.id
    returning conversations.id`.execute(db);
  return rows.length;
};

/** Analytics events, unless they still wait for a sink. */
export const removeAnalytics: Removal = async (db, before, limit) => {
  const { rows } = await sql<{ id: string }>`
    with old as (
      select id from analytics_events event
      where registered_at < ${before}::timestamptz
        and not exists (select 1 from analytics_deliveries where event_id = event.id and state = 'pending')
      order by registered_at limit ${limit}::integer
    ), deliveries as (
      delete from analytics_deliveries using old where event_id = old.id
    ), records as (
      delete from analytics_records using old where event_id = old.id
    )
    delete from analytics_events using old where analytics_events.id = old.id
    returning analytics_events.id`.execute(db);
  return rows.length;
};

/** Conversation events with their executions, once all of those have ended, their record is gone and no analytics event names them. */
export const removeEvents: Removal = async (db, before, limit) => {
  const { rows } = await sql<{ id: string }>`
    with old as (
      select id from conversation_events event
      where received_at < ${before}::timestamptz
        and not exists (
          select 1 from executions
          where executions.event_id = event.id
            and (record_removed_at is null
              or exists (select 1 from analytics_events where analytics_events.execution_id = executions.id))
        )
      order by received_at limit ${limit}::integer
    ), ended as (
      select executions.id from executions join old on executions.event_id = old.id
    ), tries as (
      delete from attempts using ended where attempts.execution_id = ended.id
    ), runs as (
      delete from executions using ended where executions.id = ended.id
    )
    delete from conversation_events using old where conversation_events.id = old.id
    returning conversation_events.id`.execute(db);
  return rows.length;
};

export const removeAuditEntries: Removal = async (db, before, limit) => {
  const { rows } = await sql<{ id: string }>`
    delete from audit_entries
    where id in (select id from audit_entries where at < ${before}::timestamptz order by at limit ${limit}::integer)
    returning id`.execute(db);
  return rows.length;
};
