import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { limits } from '../domain/limits.ts';
import type { Database } from './database.ts';

/** A timeline event as it is written; the rows' own names are the contract's. */
interface TimelineEntry {
  readonly id: string;
  readonly timestamp: Date;
  readonly sessionId: string | null;
  readonly source: string | null;
  readonly sourceId: string | null;
  readonly category: string | null;
  readonly type: string | null;
  readonly userId: string | null;
  readonly description: string | null;
  readonly attributes: object | null;
}

/** What helpers write to a conversation, in a transaction that holds the lock on the conversation's row. */
export function createConversationWriter(trx: Database, organizationId: string, conversationId: string) {
  const own = { organization_id: organizationId, conversation_id: conversationId };

  async function getMetadata(key: string): Promise<string | null> {
    const row = await trx
      .selectFrom('conversation_metadata')
      .select('value')
      .where('organization_id', '=', organizationId)
      .where('conversation_id', '=', conversationId)
      .where('key', '=', key)
      .executeTakeFirst();
    return row?.value ?? null;
  }

  return {
    getMetadata,

    async addTag(name: string): Promise<{ tagId: string; added: boolean }> {
      // The update that changes nothing makes the statement answer the id of a tag that was there already.
      const tag = await trx
        .insertInto('tags')
        .values({ id: uuidv7(), organization_id: organizationId, name })
        .onConflict((conflict) => conflict.columns(['organization_id', 'name']).doUpdateSet({ name }))
        .returning('id')
        .executeTakeFirstOrThrow();
      const added = await trx
        .insertInto('conversation_tags')
        .values({ ...own, tag_id: tag.id })
        .onConflict((conflict) => conflict.doNothing())
        .returning('tag_id')
        .executeTakeFirst();
      return { tagId: tag.id, added: added !== undefined };
    },

    async setMetadata(key: string, value: string): Promise<boolean> {
      // Counting and adding are one step because the caller holds the conversation's row.
      const written = await sql`
        insert into conversation_metadata (organization_id, conversation_id, key, value, updated_at)
        select ${organizationId}, ${conversationId}::uuid, ${key}, ${value}, now()
        where (
          select count(*) from conversation_metadata
          where organization_id = ${organizationId} and conversation_id = ${conversationId} and key <> ${key}
        ) < ${limits.metadataPairs}
        on conflict (organization_id, conversation_id, key)
        do update set value = excluded.value, updated_at = excluded.updated_at
        returning key`.execute(trx);
      return written.rows.length > 0;
    },

    async deleteMetadata(key: string): Promise<boolean> {
      const deleted = await trx
        .deleteFrom('conversation_metadata')
        .where('organization_id', '=', organizationId)
        .where('conversation_id', '=', conversationId)
        .where('key', '=', key)
        .returning('key')
        .executeTakeFirst();
      return deleted !== undefined;
    },

    async addTimelineEvent(entry: TimelineEntry): Promise<void> {
      await trx
        .insertInto('timeline_events')
        .values({
          id: entry.id,
          ...own,
          timestamp: entry.timestamp,
          session_id: entry.sessionId,
          source: entry.source,
          source_id: entry.sourceId,
          category: entry.category,
          type: entry.type,
          user_id: entry.userId,
          description: entry.description,
          attributes: entry.attributes === null ? null : JSON.stringify(entry.attributes),
        })
        .execute();
    },
  };
}
