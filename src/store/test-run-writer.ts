import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { limits } from '../domain/limits.ts';
import { createConversationWriter } from './conversation-writer.ts';
import type { Database } from './database.ts';
import type { TestRunWritesTable } from './tables.ts';

export interface TestedConversation {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly executionId: string;
}

/**
 * What helpers write to in a test run. It answers as the real one would, from the conversation and from what this run
 * wrote before, and writes to the run's own notes only.
 */
export function createTestRunWriter(
  trx: Database,
  { organizationId, conversationId, executionId }: TestedConversation,
): ReturnType<typeof createConversationWriter> {
  const stored = createConversationWriter(trx, organizationId, conversationId);

  async function noted(what: TestRunWritesTable['what'], key: string): Promise<{ value: string | null } | undefined> {
    return await trx
      .selectFrom('test_run_writes')
      .select('value')
      .where('organization_id', '=', organizationId)
      .where('execution_id', '=', executionId)
      .where('what', '=', what)
      .where('key', '=', key)
      .executeTakeFirst();
  }

  async function note(what: TestRunWritesTable['what'], key: string, value: string | null): Promise<void> {
    await trx
      .insertInto('test_run_writes')
      .values({ organization_id: organizationId, execution_id: executionId, what, key, value })
      .onConflict((conflict) => conflict.columns(['execution_id', 'what', 'key']).doUpdateSet({ value }))
      .execute();
  }

  async function getMetadata(key: string): Promise<string | null> {
    const own = await noted('metadata', key);
    return own === undefined ? await stored.getMetadata(key) : own.value;
  }

  /** Keys that the conversation would have by now, besides this one. */
  async function otherKeys(key: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      with own as (
        select key, value from test_run_writes
        where organization_id = ${organizationId} and execution_id = ${executionId} and what = 'metadata'
      )
      select count(*) as count from (
        select key from own where value is not null
        union
        select key from conversation_metadata
        where organization_id = ${organizationId} and conversation_id = ${conversationId}
          and key not in (select key from own)
      ) as keys where key <> ${key}`.execute(trx);
    return rows[0]?.count ?? 0;
  }

  async function storedTag(name: string): Promise<{ id: string; added: boolean } | undefined> {
    const { rows } = await sql<{ id: string; added: boolean }>`
      select tags.id, exists (
        select 1 from conversation_tags
        where organization_id = ${organizationId} and conversation_id = ${conversationId} and tag_id = tags.id
      ) as added
      from tags where organization_id = ${organizationId} and name = ${name}`.execute(trx);
    return rows[0];
  }

  return {
    getMetadata,

    async addTag(name) {
      const own = await noted('tag', name);
      if (own?.value != null) return { tagId: own.value, added: false };
      const known = await storedTag(name);
      if (known?.added === true) return { tagId: known.id, added: false };
      const tagId = known?.id ?? uuidv7();
      await note('tag', name, tagId);
      return { tagId, added: true };
    },

    async setMetadata(key, value) {
      if ((await otherKeys(key)) >= limits.metadataPairs) return false;
      await note('metadata', key, value);
      return true;
    },

    async deleteMetadata(key) {
      const found = (await getMetadata(key)) !== null;
      if (found) await note('metadata', key, null);
      return found;
    },

    // Checked by the helper already; nothing reads it again.
    addTimelineEvent: () => Promise.resolve(),
  };
}
