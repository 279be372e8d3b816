import { sql } from 'kysely';
import type { Message } from '../contract/conversation.ts';
import { appendedTo, refuseLarge } from './conversation-writes.ts';
import { findConversationRow } from './conversations.ts';
import type { Database } from './database.ts';
import { incomingMessagesOf } from './incoming-messages.ts';
import { refuseNul } from './nul-characters.ts';
import { inTransaction } from './transaction.ts';

/**
 * Appends those that are new: a message is known by its id, one without an id by its content and by how many of the same content
 * stand before it in this request. Throws `conversation_not_found`, `conversation_too_large`.
 */
export async function appendMessages(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
  messages: readonly Message[],
): Promise<{ id: string; publicId: string; added: number; messageCount: number }> {
  refuseNul({ messages: messages.map(({ id }) => ({ id })) });
  return await inTransaction(db, async (trx) => {
    const row = await findConversationRow(trx, organizationId, idOrPublicId, 'locked');
    const saved = await appendedTo(trx, row, incomingMessagesOf(messages))
      .set({ updated_at: sql<Date>`now()` })
      .returningAll()
      .executeTakeFirstOrThrow();
    refuseLarge(saved);
    const { id, public_id: publicId, message_count: messageCount } = saved;
    return { id, publicId, added: messageCount - row.message_count, messageCount };
  });
}
