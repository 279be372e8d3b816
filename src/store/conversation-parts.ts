import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { createConversationWriter } from './conversation-writer.ts';
import { findConversationRow } from './conversations.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';

type Writer = ReturnType<typeof createConversationWriter>;

/** What people change of a conversation; like helpers, one after the other. */
async function changing(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
  change: (writer: Writer, id: string, trx: Database) => Promise<unknown>,
): Promise<void> {
  await inTransaction(db, async (trx) => {
    const { id } = await findConversationRow(trx, organizationId, idOrPublicId, 'locked');
    await change(createConversationWriter(trx, organizationId, id), id, trx);
  });
}

/** The tag is created where it does not exist. Throws `conversation_not_found`. */
export function addTag(db: Database, organizationId: string, conversation: string, tag: string): Promise<void> {
  return changing(db, organizationId, conversation, (writer) => writer.addTag(tag));
}

/** No tag of that name is fine too. Throws `conversation_not_found`. */
export function removeTag(db: Database, organizationId: string, conversation: string, tag: string): Promise<void> {
  return changing(db, organizationId, conversation, (_writer, id, trx) =>
    trx
      .deleteFrom('conversation_tags')
      .where('organization_id', '=', organizationId)
      .where('conversation_id', '=', id)
      .where('tag_id', '=', (select) =>
        select.selectFrom('tags').select('id').where('organization_id', '=', organizationId).where('name', '=', tag),
      )
      .execute(),
  );
}

/** Throws `conversation_not_found`, and `limit_exceeded` for the 201st key. */
export function setMetadata(
  db: Database,
  organizationId: string,
  conversation: string,
  { key, value }: { readonly key: string; readonly value: string },
): Promise<void> {
  return changing(db, organizationId, conversation, async (writer) => {
    if (await writer.setMetadata(key, value)) return;
    const most = String(limits.metadataPairs);
    throw new AfterwordError('limit_exceeded', `The conversation already holds ${most} keys; delete one first.`);
  });
}

/** No such key is fine too. Throws `conversation_not_found`. */
export function deleteMetadata(db: Database, organizationId: string, conversation: string, key: string): Promise<void> {
  return changing(db, organizationId, conversation, (writer) => writer.deleteMetadata(key));
}
