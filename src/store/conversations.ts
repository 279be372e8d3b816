import type { Conversation, ConversationInput, ConversationWithMessages } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import {
  type ConversationParts,
  type ConversationRow,
  toConversation,
  toMessages,
  toTimelineEvent,
} from './conversation-rows.ts';
import { writeConversation } from './conversation-writes.ts';
import type { Database } from './database.ts';
import { createOrLockConversation } from './new-conversation.ts';
import { patternOf } from './timeline-event-search.ts';
import { inTransaction } from './transaction.ts';
import { isUuid } from './uuid-text.ts';

/**
 * Saves the conversation and appends the messages that are new. `messageSeq` is the newest message's number.
 * Throws `invalid_request` for NUL characters, `public_id_taken`, `conversation_too_large`; nothing is saved then.
 */
export async function saveConversation(
  db: Database,
  organizationId: string,
  input: ConversationInput,
): Promise<{ id: string; messageSeq: number }> {
  return await inTransaction(db, async (trx) => {
    const found = await createOrLockConversation(trx, organizationId, input);
    const saved = 'created' in found ? found.created : await writeConversation(trx, found.known, input);
    return { id: saved.id, messageSeq: saved.message_count };
  });
}

/** Throws `conversation_not_found`. Reads no messages. */
export async function findConversation(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
): Promise<{ id: string; publicId: string; messageCount: number }> {
  const row = await findConversationRow(db, organizationId, idOrPublicId);
  return { id: row.id, publicId: row.public_id, messageCount: row.message_count };
}

/**
 * Throws `conversation_not_found`, also for one that was erased. Until the transaction ends nobody else changes one that is `locked`,
 * and nobody erases one that is `kept`.
 */
export async function findConversationRow(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
  held?: 'locked' | 'kept',
): Promise<ConversationRow> {
  const maybeId = isUuid(idOrPublicId);
  const row = await db
    .selectFrom('conversations')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where((where) =>
      maybeId
        ? where.or([where('id', '=', idOrPublicId), where('public_id', '=', idOrPublicId)])
        : where('public_id', '=', idOrPublicId),
    )
    // A public id may have the form of an id: the id wins.
    .$if(maybeId, (query) => query.orderBy((order) => order('id', '=', idOrPublicId), 'desc'))
    .where('erased_at', 'is', null)
    .limit(1)
    .$if(held === 'locked', (query) => query.forUpdate())
    .$if(held === 'kept', (query) => query.forKeyShare())
    .executeTakeFirst();
  if (row !== undefined) return row;
  throw new AfterwordError('conversation_not_found', `There is no conversation "${idOrPublicId}".`);
}

/** Throws `conversation_not_found`. */
export async function getConversation(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
): Promise<ConversationWithMessages> {
  const row = await findConversationRow(db, organizationId, idOrPublicId);
  const messages = await db
    .selectFrom('messages')
    .select('body')
    .where('organization_id', '=', organizationId)
    .where('conversation_id', '=', row.id)
    .where('seq', '<=', row.message_count)
    .orderBy('seq')
    .execute();
  const [conversation] = await withParts(db, organizationId, [row]);
  if (conversation === undefined) throw new Error(`conversation ${row.id} lost its own row`);
  return { ...conversation, messages: toMessages(messages.map((message) => message.body)) };
}

/** Without its messages. Throws `conversation_not_found`. */
export async function describeConversation(
  db: Database,
  organizationId: string,
  idOrPublicId: string,
): Promise<Conversation> {
  const row = await findConversationRow(db, organizationId, idOrPublicId);
  const [conversation] = await withParts(db, organizationId, [row]);
  if (conversation === undefined) throw new Error(`conversation ${row.id} lost its own row`);
  return conversation;
}

/** Texts that stand anywhere, in any letter case; the tag as it is. All have to match. */
export interface ConversationFilter {
  readonly subject?: string | undefined;
  readonly publicId?: string | undefined;
  /** In the JSON of the customer. */
  readonly customer?: string | undefined;
  readonly tag?: string | undefined;
}

/** Those written to last come first. `before`: an id of the page before, whose later ones are wanted. */
export async function listConversations(
  db: Database,
  organizationId: string,
  page: ConversationFilter & { readonly limit: number; readonly before?: string | undefined },
): Promise<Conversation[]> {
  const { before, subject, publicId, customer, tag } = page;
  const rows = await db
    .selectFrom('conversations')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('erased_at', 'is', null)
    .$if(subject !== undefined, (query) => query.where('subject', 'ilike', patternOf(subject ?? '')))
    .$if(publicId !== undefined, (query) => query.where('public_id', 'ilike', patternOf(publicId ?? '')))
    .$if(customer !== undefined, (query) => query.where('customer', 'ilike', patternOf(customer ?? '')))
    .$if(tag !== undefined, (query) =>
      query.where('id', 'in', (select) =>
        select
          .selectFrom('conversation_tags')
          .innerJoin('tags', 'tags.id', 'conversation_tags.tag_id')
          .select('conversation_tags.conversation_id')
          .where('conversation_tags.organization_id', '=', organizationId)
          .where('tags.organization_id', '=', organizationId)
          .where('tags.name', '=', tag ?? ''),
      ),
    )
    .$if(before !== undefined, (query) =>
      query.where((where) =>
        where(
          where.refTuple('updated_at', 'id'),
          '<',
          where
            .selectFrom('conversations as last')
            .select(['last.updated_at', 'last.id'])
            .where('last.organization_id', '=', organizationId)
            .where('last.id', '=', before !== undefined && isUuid(before) ? before : null)
            .$asTuple('updated_at', 'id'),
        ),
      ),
    )
    .orderBy('updated_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .execute();
  return await withParts(db, organizationId, rows);
}

/** Three queries, however many conversations. */
async function withParts(
  db: Database,
  organizationId: string,
  rows: readonly ConversationRow[],
): Promise<Conversation[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const tags = await db
    .selectFrom('conversation_tags')
    .innerJoin('tags', 'tags.id', 'conversation_tags.tag_id')
    .select(['conversation_tags.conversation_id', 'tags.name'])
    .where('conversation_tags.organization_id', '=', organizationId)
    .where('conversation_tags.conversation_id', 'in', ids)
    .orderBy('tags.name')
    .execute();
  const metadata = await db
    .selectFrom('conversation_metadata')
    .select(['conversation_id', 'key', 'value'])
    .where('organization_id', '=', organizationId)
    .where('conversation_id', 'in', ids)
    .orderBy('key')
    .execute();
  const timeline = await db
    .selectFrom('timeline_events')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('conversation_id', 'in', ids)
    .orderBy('timestamp')
    .orderBy('id')
    .execute();
  const partsOf = new Map<string, ConversationParts>(ids.map((id) => [id, noParts()]));
  for (const tag of tags) partsOf.get(tag.conversation_id)?.tags.push(tag.name);
  for (const pair of metadata) partsOf.get(pair.conversation_id)?.metadata.set(pair.key, pair.value);
  for (const event of timeline) {
    if (event.conversation_id !== null) partsOf.get(event.conversation_id)?.timeline.push(toTimelineEvent(event));
  }
  return rows.map((row) => toConversation(row, partsOf.get(row.id) ?? noParts()));
}

function noParts(): ConversationParts {
  return { tags: [], metadata: new Map(), timeline: [] };
}
