import { sql } from 'kysely';
import type { ConversationInput } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { ConversationRow } from './conversation-rows.ts';
import { type Database, isUniqueViolation } from './database.ts';
import { type IncomingMessage, incomingMessagesOf } from './incoming-messages.ts';
import { refuseNul } from './nul-characters.ts';

/** What is stored as JSON text may hold any character: a NUL that somebody pasted must not cost the event. */
export function refuseNulIn(input: ConversationInput): void {
  const { id, publicId, subject, businessSlug, business, initialChannel, latestChannel } = input;
  const messages = input.messages.map((message) => ({ id: message.id }));
  refuseNul({ id, publicId, subject, businessSlug, business, initialChannel, latestChannel, messages }, 'conversation');
}

/** Takes the lock on the row: until the transaction ends nobody else saves this conversation. Undefined where there is none. */
export async function lockConversation(
  trx: Database,
  organizationId: string,
  id: string,
): Promise<ConversationRow | undefined> {
  return await trx
    .selectFrom('conversations')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst();
}

/**
 * Writes the input to its locked row: what it gives overwrites, what it leaves out stays; messages whose id is new are
 * appended in the order given. One statement, however many messages (5,000: 0.4 s).
 * Throws `conversation_too_large`, `public_id_taken`.
 */
export async function writeConversation(
  trx: Database,
  row: ConversationRow,
  input: ConversationInput,
): Promise<ConversationRow> {
  const merged = {
    public_id: input.publicId,
    subject: input.subject,
    business_slug: input.businessSlug,
    business_name: input.business?.name ?? (row.erased_at === null ? row.business_name : input.businessSlug),
    customer: input.customer === undefined ? row.customer : jsonOrNull(input.customer),
    initial_channel: input.initialChannel ?? row.initial_channel,
    latest_channel: input.latestChannel ?? row.latest_channel,
    browser_session: input.browserSession === undefined ? row.browser_session : jsonOrNull(input.browserSession),
  };
  const messages = incomingMessagesOf(input.messages);
  try {
    const saved = await appendedTo(trx, row, messages)
      .set({ ...merged, updated_at: sql<Date>`now()`, erased_at: null })
      .returningAll()
      .executeTakeFirstOrThrow();
    refuseLarge(saved);
    return saved;
  } catch (error) {
    throw isUniqueViolation(error) ? publicIdTaken(input, error) : error;
  }
}

/** The statement that appends those messages that are new to a locked row. */
export function appendedTo(trx: Database, row: ConversationRow, messages: readonly IncomingMessage[]) {
  return trx
    .with('added', (query) =>
      query
        .insertInto('messages')
        .columns(['organization_id', 'conversation_id', 'seq', 'message_id', 'body'])
        .expression(newMessages(row, messages))
        .returning(sql<number>`octet_length(body)`.as('bytes')),
    )
    .updateTable('conversations')
    .set({
      message_count: sql<number>`message_count + (select count(*) from added)`,
      message_bytes: sql<number>`message_bytes + (select coalesce(sum(bytes), 0) from added)`,
    })
    .where('organization_id', '=', row.organization_id)
    .where('id', '=', row.id);
}

/** Those known are asked for first and apart: whatever index is taken, none is looked up by reading the conversation for each. */
function newMessages(row: ConversationRow, messages: readonly IncomingMessage[]) {
  return sql<never>`
    with known as materialized (
      select message_id from messages
      where organization_id = ${row.organization_id} and conversation_id = ${row.id}
        and message_id = any(${messages.map(({ id }) => id)}::text[])
    )
    select ${row.organization_id}, ${row.id}::uuid,
           ${row.message_count}::integer + (row_number() over (order by given.ordinal))::integer, given.id, given.body
    from json_to_recordset(${JSON.stringify(messages)}::json) as given (ordinal integer, id text, body text)
    where not exists (select from known where known.message_id = given.id)`;
}

/** Throws `conversation_too_large` for what has just been written; the transaction takes it back. */
export function refuseLarge(row: Pick<ConversationRow, 'message_count' | 'message_bytes'>): void {
  const { message_count: count, message_bytes: bytes } = row;
  if (count <= limits.conversationMessages && bytes <= limits.conversationBytes) return;
  const message =
    `With these the conversation would have ${String(count)} messages of ${String(bytes)} bytes as JSON; at most ` +
    `${String(limits.conversationMessages)} and ${String(limits.conversationBytes)} are taken.`;
  throw new AfterwordError('conversation_too_large', message, {
    fields: [{ field: 'conversation.messages', message }],
  });
}

export function publicIdTaken(input: ConversationInput, cause?: unknown): AfterwordError {
  const message = `The public id "${input.publicId}" belongs to another conversation than ${input.id}.`;
  return new AfterwordError('public_id_taken', message, {
    cause,
    fields: [{ field: 'conversation.publicId', message }],
  });
}

export function jsonOrNull(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}
