import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { JsonObject, JsonValue, NullableJsonObject } from './json.ts';

const shortId = z.string().min(1).max(limits.idCharacters);
/** Of the years 1 to 9999, which PostgreSQL has too. */
export const Timestamp = z.iso.datetime({ offset: true }).refine(hasYear, {
  error: 'must lie in the years 1 to 9999',
  when: ({ issues }) => issues.length === 0,
});

function hasYear(timestamp: string): boolean {
  const year = new Date(timestamp).getUTCFullYear();
  return year >= 1 && year <= 9999;
}

export const Message = z
  .strictObject({
    /** Without one an id is made from the content, so that a full snapshot appends only what is new. */
    id: shortId.optional(),
    sender: z.enum(['customer', 'bot', 'agent']),
    timestamp: Timestamp,
    content: z.string(),
    channel: shortId,
    attachments: z.array(JsonValue).optional(),
  })
  .meta({ id: 'Message' });
export type Message = z.infer<typeof Message>;

const contextKilobytes = limits.contextObjectBytes / 1024;
/** A JSON object that stands in a handler's context. */
export const ContextObject = JsonObject.refine(
  (object) => Buffer.byteLength(JSON.stringify(object)) <= limits.contextObjectBytes,
  { error: `must be at most ${String(contextKilobytes)} KB of JSON`, when: ({ issues }) => issues.length === 0 },
);

/** A conversation as the platform sends it, with its messages: all of them, or those that are new. */
export const ConversationInput = z
  .strictObject({
    id: z.uuid(),
    publicId: shortId,
    subject: z.string().max(limits.subjectCharacters),
    businessSlug: shortId,
    business: z.strictObject({ name: z.string().max(limits.idCharacters), slug: shortId }).optional(),
    customer: ContextObject.nullable().optional(),
    initialChannel: shortId.optional(),
    latestChannel: shortId.optional(),
    /** Only for web chat. */
    browserSession: ContextObject.optional(),
    messages: z.array(Message).max(limits.conversationMessages).default([]),
  })
  .meta({ id: 'ConversationInput' });
export type ConversationInput = z.infer<typeof ConversationInput>;

/** The timeline event (Syllable's ten fields) as a handler or the API writes it. */
export const TimelineEvent = z
  .object({
    id: z.string(),
    timestamp: z.string(),
    session_id: z.string().nullable(),
    conversation_id: z.string().nullable(),
    source: z.string().nullable(),
    source_id: z.string().nullable(),
    category: z.string().nullable(),
    type: z.string().nullable(),
    user_id: z.string().nullable(),
    description: z.string().nullable(),
    attributes: NullableJsonObject,
  })
  .meta({ id: 'TimelineEvent' });
export type TimelineEvent = z.infer<typeof TimelineEvent>;

export const Conversation = z
  .object({
    id: z.string(),
    publicId: z.string(),
    subject: z.string(),
    businessSlug: z.string(),
    business: z.object({ name: z.string(), slug: z.string() }),
    customer: NullableJsonObject,
    initialChannel: z.string().nullable(),
    latestChannel: z.string().nullable(),
    browserSession: NullableJsonObject,
    messageCount: z.number().int(),
    tags: z.array(z.string()),
    metadata: z.record(z.string(), z.string()),
    timeline: z.array(TimelineEvent),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Conversation' });
export type Conversation = z.infer<typeof Conversation>;

export const ConversationWithMessages = Conversation.extend({ messages: z.array(Message) }).meta({
  id: 'ConversationWithMessages',
});
export type ConversationWithMessages = z.infer<typeof ConversationWithMessages>;
