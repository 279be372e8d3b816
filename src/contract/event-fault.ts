import type { z } from 'zod';
import { eventTypeNames } from '../domain/event-types.ts';
import { AfterwordError } from '../domain/errors.ts';
import { ConversationEventInput } from './conversation-event.ts';
import { invalidRequest, toFieldErrors } from './field-errors.ts';

const [withConversation, withConversationId] = ConversationEventInput.options;

/**
 * What is wrong with an event that the schema refuses: `unknown_event_type` or `invalid_request`. A schema of two
 * shapes would complain about both; the reader means one, and which one shows in whether there is a `conversation`.
 * `where`: what the event is in, such as `body`.
 */
export function eventFault(event: unknown, where: string): AfterwordError {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    return invalidRequest([{ field: '', message: 'expected one event, an object' }], where);
  }
  if ('type' in event && typeof event.type === 'string' && !eventTypeNames.some((name) => name === event.type)) {
    const types = eventTypeNames.join(', ');
    return new AfterwordError('unknown_event_type', `"${event.type.slice(0, 100)}" is none of: ${types}.`, {
      fields: [{ field: 'type', message: `expected one of ${types}` }],
    });
  }
  if ('conversation' in event && 'conversationId' in event) {
    return invalidRequest(
      [{ field: 'conversationId', message: 'the event has a conversation too; send one of the two' }],
      where,
    );
  }
  if (!('conversation' in event) && !('conversationId' in event)) {
    const message = 'is required (the conversation, or conversationId of one that is known)';
    return invalidRequest(
      [{ field: 'conversation', message }, ...faultsOf(withConversationId, event, 'conversationId')],
      where,
    );
  }
  return invalidRequest(faultsOf('conversation' in event ? withConversation : withConversationId, event), where);
}

function faultsOf(schema: z.ZodType, event: unknown, except?: string) {
  const issues = schema.safeParse(event).error?.issues ?? [];
  return issues.flatMap((issue) => toFieldErrors(issue)).filter(({ field }) => field !== except);
}
