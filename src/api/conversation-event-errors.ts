import type { z } from 'zod';
import { ConversationEventInput } from '../contract/conversation-event.ts';
import { eventTypeNames } from '../domain/event-types.ts';
import { AfterwordError } from '../domain/errors.ts';
import { checkInput, invalidRequest, toFieldErrors } from './validation.ts';

type Checked = Parameters<typeof checkInput>[0];

const [withConversation, withConversationId] = ConversationEventInput.options;

/**
 * The check of a published event. A schema of two shapes would complain about both; the reader means one, and which
 * one shows in whether there is a `conversation`.
 */
export function checkEventInput(checked: Checked): undefined {
  if (!checked.success) throw eventFault(checked.data);
  checkInput(checked);
}

function eventFault(body: unknown): AfterwordError {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return invalidRequest([{ field: '', message: 'expected one event, an object' }]);
  }
  if ('type' in body && typeof body.type === 'string' && !eventTypeNames.some((name) => name === body.type)) {
    const types = eventTypeNames.join(', ');
    return new AfterwordError('unknown_event_type', `"${body.type.slice(0, 100)}" is none of: ${types}.`, {
      fields: [{ field: 'type', message: `expected one of ${types}` }],
    });
  }
  if ('conversation' in body && 'conversationId' in body) {
    return invalidRequest([
      { field: 'conversationId', message: 'the event has a conversation too; send one of the two' },
    ]);
  }
  if (!('conversation' in body) && !('conversationId' in body)) {
    const message = 'is required (the conversation, or conversationId of one that is known)';
    return invalidRequest([
      { field: 'conversation', message },
      ...faultsOf(withConversationId, body, 'conversationId'),
    ]);
  }
  return invalidRequest(faultsOf('conversation' in body ? withConversation : withConversationId, body));
}

function faultsOf(schema: z.ZodType, body: unknown, except?: string) {
  const issues = schema.safeParse(body).error?.issues ?? [];
  return issues.flatMap((issue) => toFieldErrors(issue)).filter(({ field }) => field !== except);
}
