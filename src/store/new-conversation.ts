import { sql } from 'kysely';
import type { ConversationInput } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { ConversationRow } from './conversation-rows.ts';
import { jsonOrNull, lockConversation, publicIdTaken, refuseLarge, refuseNulIn } from './conversation-writes.ts';
import { type Database, isMissingReference } from './database.ts';
import { incomingMessagesOf } from './incoming-messages.ts';

/**
 * Inserts the conversation with its messages in one statement; undefined, and nothing written, where its id or its
 * public id is known. Throws `conversation_too_large`, `organization_not_found`, and `invalid_request` for NUL.
 */
async function createConversation(
  trx: Database,
  organizationId: string,
  input: ConversationInput,
): Promise<ConversationRow | undefined> {
  const messages = JSON.stringify(incomingMessagesOf(input.messages));
  const created = await trx
    .with('given', (query) =>
      query
        .selectFrom(
          sql<{ ordinal: number; id: string; body: string }>`json_to_recordset(${messages}::json)`.as<'given'>(
            sql`given (ordinal integer, id text, body text)`,
          ),
        )
        .selectAll(),
    )
    .with('created', (query) =>
      query
        .insertInto('conversations')
        .values(({ selectFrom }) => ({
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
          message_count: selectFrom('given').select(sql<number>`count(*)::integer`.as('count')),
          message_bytes: selectFrom('given').select(
            sql<number>`coalesce(sum(octet_length(body)), 0)::integer`.as('sum'),
          ),
        }))
        .onConflict((conflict) => conflict.doNothing())
        .returningAll(),
    )
    .with('added', (query) =>
      query
        .insertInto('messages')
        .columns(['organization_id', 'conversation_id', 'seq', 'message_id', 'body'])
        .expression(
          sql<never>`
          select created.organization_id, created.id, row_number() over (order by given.ordinal), given.id, given.body
          from created, given`,
        ),
    )
    .selectFrom('created')
    .selectAll()
    .executeTakeFirst()
    .catch((error: unknown) => {
      if (!isMissingReference(error)) throw error;
      throw new AfterwordError('organization_not_found', `There is no organisation "${organizationId}".`);
    });
  if (created !== undefined) refuseLarge(created);
  return created;
}

/**
 * The conversation as it is saved, where it is new; else its locked row, which is still to be written. Asked for first: a
 * snapshot of thousands of messages must not be sent for nothing. Throws what createConversation throws, `public_id_taken`.
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
