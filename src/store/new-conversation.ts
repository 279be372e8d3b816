import { type RawBuilder, sql } from 'kysely';
import type { ConversationInput } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ConversationRow } from './conversation-rows.ts';
import { jsonOrNull, lockConversation, publicIdTaken, refuseLarge, refuseNulIn } from './conversation-writes.ts';
import { type Database, isMissingReference } from './database.ts';
import { type IncomingMessage, incomingMessagesOf } from './incoming-messages.ts';

/** Its row and its messages, not written yet; of input that was checked for NUL. Throws `conversation_too_large`. */
export function newConversationOf(organizationId: string, input: ConversationInput) {
  const messages = incomingMessagesOf(input.messages);
  const row = {
    organization_id: organizationId,
    id: input.id,
    public_id: input.publicId,
    subject: input.subject,
    business_slug: input.businessSlug,
    business_name: input.business?.name ?? input.businessSlug,
    customer: jsonOrNull(input.customer ?? null),
    initial_channel: input.initialChannel ?? null,
    latest_channel: input.latestChannel ?? null,
    browser_session: jsonOrNull(input.browserSession ?? null),
    message_count: messages.length,
    message_bytes: messages.reduce((bytes, { body }) => bytes + Buffer.byteLength(body), 0),
  };
  refuseLarge(row);
  return { row, messages };
}

/** The new messages as `given`, numbered from 1. */
export function rowsOf(messages: readonly IncomingMessage[]): RawBuilder<unknown> {
  const numbered = messages.map(({ id, body }, index) => ({ seq: index + 1, id, body }));
  return sql`json_to_recordset(${JSON.stringify(numbered)}::json) as given (seq integer, id text, body text)`;
}

/** The organisation is the only thing that a new conversation refers to. */
export function organizationNotFound(organizationId: string): AfterwordError {
  return new AfterwordError('organization_not_found', `There is no organisation "${organizationId}".`);
}

/**
 * Inserts the conversation with its messages in one statement; undefined, and nothing written, where its id or its
 * public id is known. Throws `conversation_too_large`, `organization_not_found`.
 */
async function createConversation(
  trx: Database,
  organizationId: string,
  input: ConversationInput,
): Promise<ConversationRow | undefined> {
  const { row, messages } = newConversationOf(organizationId, input);
  return await trx
    .with('created', (query) =>
      query
        .insertInto('conversations')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .returningAll(),
    )
    .with('added', (query) =>
      query
        .insertInto('messages')
        .columns(['organization_id', 'conversation_id', 'seq', 'message_id', 'body'])
        .expression(
          sql<never>`
          select created.organization_id, created.id, given.seq, given.id, given.body
          from created, ${rowsOf(messages)}`,
        ),
    )
    .selectFrom('created')
    .selectAll()
    .executeTakeFirst()
    .catch((error: unknown) => {
      throw isMissingReference(error) ? organizationNotFound(organizationId) : error;
    });
}

/**
 * The conversation as it is saved, where it is new; else its locked row, which is still to be written. Asked for first: a
 * snapshot of thousands of messages must not be sent for nothing. Throws what createConversation throws, `public_id_taken`, and
 * `invalid_request` for NUL.
 */
export async function createOrLockConversation(
  trx: Database,
  organizationId: string,
  input: ConversationInput,
): Promise<{ readonly created: ConversationRow } | { readonly known: ConversationRow }> {
  refuseNulIn(input);
  const lock = () => lockConversation(trx, organizationId, input.id);
  const known = await lock();
  if (known !== undefined) return { known };
  const created = await createConversation(trx, organizationId, input);
  if (created !== undefined) return { created };
  // Somebody else made it meanwhile, or its public id is another's.
  const late = await lock();
  if (late === undefined) throw publicIdTaken(input);
  return { known: late };
}
