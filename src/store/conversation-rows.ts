import type { Selectable } from 'kysely';
import { z } from 'zod';
import { type Conversation, Message, type TimelineEvent } from '../contract/conversation.ts';
import { JsonObject } from '../contract/json.ts';
import type { ConversationsTable, TimelineEventsTable } from './tables.ts';

export type ConversationRow = Selectable<ConversationsTable>;
export type TimelineEventRow = Selectable<TimelineEventsTable>;

/** What stands beside the conversation's own row. */
export interface ConversationParts {
  readonly tags: string[];
  readonly metadata: Map<string, string>;
  readonly timeline: TimelineEvent[];
}

export function toConversation(row: ConversationRow, parts: ConversationParts): Conversation {
  return {
    id: row.id,
    publicId: row.public_id,
    subject: row.subject,
    businessSlug: row.business_slug,
    business: { name: row.business_name, slug: row.business_slug },
    customer: toJsonObject(row.customer),
    initialChannel: row.initial_channel,
    latestChannel: row.latest_channel,
    browserSession: toJsonObject(row.browser_session),
    messageCount: row.message_count,
    tags: parts.tags,
    metadata: Object.fromEntries(parts.metadata),
    timeline: parts.timeline,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toTimelineEvent(row: TimelineEventRow): TimelineEvent {
  return {
    id: row.id,
    timestamp: row.timestamp.toISOString(),
    session_id: row.session_id,
    conversation_id: row.conversation_id,
    source: row.source,
    source_id: row.source_id,
    category: row.category,
    type: row.type,
    user_id: row.user_id,
    description: row.description,
    attributes: toJsonObject(row.attributes),
  };
}

const Messages = z.array(Message);

export function toMessages(bodies: readonly string[]): Message[] {
  return Messages.parse(JSON.parse(`[${bodies.join(',')}]`));
}

/**
 * What a handler's `context` says of the conversation, as JSON text with the handler's own keys; args and messages are
 * added when it runs.
 */
export function contextJsonOf(row: Omit<ConversationRow, 'created_at' | 'updated_at' | 'erased_at'>): string {
  const browserSession = toJsonObject(row.browser_session);
  return JSON.stringify({
    conversation: {
      id: row.id,
      publicId: row.public_id,
      subject: row.subject,
      businessSlug: row.business_slug,
      initialChannel: row.initial_channel,
      latestChannel: row.latest_channel,
    },
    business: { name: row.business_name, slug: row.business_slug },
    customer: toJsonObject(row.customer),
    ...(browserSession === null ? {} : { browser_session: browserSession }),
  });
}

function toJsonObject(json: string | null): JsonObject | null {
  return json === null ? null : JsonObject.parse(JSON.parse(json));
}
