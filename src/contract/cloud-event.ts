import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { Timestamp } from './conversation.ts';
import { NullableJsonObject } from './json.ts';

const attribute = z.string().min(1).max(limits.idCharacters);
const json = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/** CloudEvents 1.0; attributes that are not named here are passed over, as extensions are. */
export const CloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: attribute,
  source: attribute,
  type: z.string().min(1),
  time: Timestamp.optional(),
  subject: attribute.optional(),
  datacontenttype: z.string().regex(json, 'JSON, such as application/json').optional(),
  data: NullableJsonObject.optional(),
  data_base64: z.undefined({ error: 'is not taken: send `data` as JSON' }).optional(),
});
export type CloudEvent = z.infer<typeof CloudEvent>;

/**
 * The same as a conversation event, still to be checked: `com.example.conversation_closed` is `conversation_closed`, `time` is
 * `occurredAt`, `subject` names the conversation where `data` does not bring it along.
 */
export function toConversationEvent({ id, source, type, time, subject, data }: CloudEvent): Record<string, unknown> {
  const bringsConversation = data !== null && data !== undefined && 'conversation' in data;
  return {
    ...data,
    id,
    source,
    type: type.slice(type.lastIndexOf('.') + 1),
    ...(time === undefined ? {} : { occurredAt: time }),
    ...(subject === undefined || bringsConversation ? {} : { conversationId: subject }),
  };
}

/** Whether `subject` names another conversation than `data` brings along. */
export function contradictsItself({ subject, data }: CloudEvent): boolean {
  const conversation = data?.conversation;
  if (subject === undefined || typeof conversation !== 'object' || conversation === null) return false;
  if (!('id' in conversation) || !('publicId' in conversation) || typeof conversation.id !== 'string') return false;
  return subject.toLowerCase() !== conversation.id.toLowerCase() && subject !== conversation.publicId;
}
