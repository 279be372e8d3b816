import { AfterwordError } from '../domain/errors.ts';
import type { createConversationWriter } from './conversation-writer.ts';

/** What helpers find in an execution without a conversation: each of them is refused with `conversation_not_found`. */
export function createMissingConversation(): ReturnType<typeof createConversationWriter> {
  const refuse = () =>
    Promise.reject(
      new AfterwordError('conversation_not_found', 'This run has no conversation to read from or to write to.'),
    );
  return {
    getMetadata: refuse,
    addTag: refuse,
    setMetadata: refuse,
    deleteMetadata: refuse,
    addTimelineEvent: refuse,
  };
}
