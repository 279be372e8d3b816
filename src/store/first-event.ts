import { sql } from 'kysely';
import type { ConversationEventInput } from '../contract/conversation-event.ts';
import { refuseNulIn } from './conversation-writes.ts';
import { type Database, isMissingReference, isUniqueViolation } from './database.ts';
import type { AcceptedEvent, AcceptOptions } from './known-event.ts';
import { newConversationOf, organizationNotFound, rowsOf } from './new-conversation.ts';
import { acceptedOf, type CurrentHandler, newEventOf, withNewEvent } from './new-event.ts';
import { prepared } from './prepared-statements.ts';

/**
 * Inserts an event with a conversation that nobody named before and its messages: in one statement, as many events are the first of
 * theirs. Undefined, and nothing written, where the event, the conversation or its public id is known after all.
 * Throws `event_id_missing`, `conversation_too_large`, `organization_not_found`, and `invalid_request` for NUL.
 */
export async function insertFirstEvent(
  db: Database,
  organizationId: string,
  input: Extract<ConversationEventInput, { readonly conversation: unknown }>,
  handlers: readonly CurrentHandler[],
  options: AcceptOptions,
): Promise<AcceptedEvent | undefined> {
  refuseNulIn(input.conversation);
  const { row, messages } = newConversationOf(organizationId, input.conversation);
  const planned = newEventOf(row, input, handlers, options);
  try {
    const inserted = await withNewEvent(db, planned)
      .with('conversation', (query) =>
        query
          .insertInto('conversations')
          .columns([
            'organization_id',
            'id',
            'public_id',
            'subject',
            'business_slug',
            'business_name',
            'customer',
            'initial_channel',
            'latest_channel',
            'browser_session',
            'message_count',
            'message_bytes',
          ])
          // Without `on conflict`: a known one has to take back the event too.
          .expression(
            sql<never>`
              select ${row.organization_id}, ${row.id}::uuid, ${row.public_id}, ${row.subject}, ${row.business_slug},
                     ${row.business_name}, ${row.customer}, ${row.initial_channel}, ${row.latest_channel},
                     ${row.browser_session}, ${row.message_count}::integer, ${row.message_bytes}::integer
              from accepted`,
          ),
      )
      .with('added', (query) =>
        query
          .insertInto('messages')
          .columns(['organization_id', 'conversation_id', 'seq', 'message_id', 'body'])
          .expression(
            sql<never>`
              select ${row.organization_id}, ${row.id}::uuid, given.seq, given.id, given.body
              from accepted, ${rowsOf(messages)}`,
          ),
      )
      .selectFrom('accepted')
      .select('id')
      .modifyEnd(prepared)
      .executeTakeFirst();
    return inserted && acceptedOf(planned);
  } catch (error) {
    if (isUniqueViolation(error)) return undefined;
    throw isMissingReference(error) ? organizationNotFound(organizationId) : error;
  }
}
