import { z } from 'zod';
import { eventTypeNames } from '../domain/event-types.ts';
import { limits } from '../domain/limits.ts';
import { ConversationInput, Timestamp } from './conversation.ts';
import { Problem } from './problem.ts';

export const EventType = z.enum(eventTypeNames).meta({ id: 'EventType' });
export type EventType = z.infer<typeof EventType>;

const eventFields = {
  /** The publisher's id of this occurrence; the same id is the same event. Without it `occurredAt` is needed. */
  id: z.string().min(1).max(limits.idCharacters).optional(),
  /** Which system speaks; ids are unique within one source. */
  source: z.string().min(1).max(limits.idCharacters).default('default'),
  type: EventType,
  occurredAt: Timestamp.optional(),
  /** Who closed it or handed it off. */
  actor: z.enum(['agent', 'bot', 'automation']).optional(),
};

/** A conversation event: with its conversation inline, or naming one that is already known (by id or public id). */
export const ConversationEventInput = z
  .union([
    z.strictObject({ ...eventFields, conversation: ConversationInput }),
    z.strictObject({ ...eventFields, conversationId: z.string().min(1).max(limits.idCharacters) }),
  ])
  .meta({ id: 'ConversationEventInput' });
export type ConversationEventInput = z.infer<typeof ConversationEventInput>;

export const PublishedEvent = z
  .object({
    id: z.string().meta({ description: 'Id of the conversation event, for every other route.' }),
    eventId: z.string().meta({ description: 'The publisher’s id, or the one made from type, conversation and time.' }),
    workflowId: z.string(),
    duplicate: z.boolean(),
  })
  .meta({ id: 'PublishedEvent' });
export type PublishedEvent = z.infer<typeof PublishedEvent>;

const Taken = PublishedEvent.extend({ status: z.literal(202) });
const Refused = z.object({ status: z.number().int(), problem: Problem });

/** In the order of the events. */
export const PublishedBatch = z.object({ results: z.array(z.union([Taken, Refused])) }).meta({ id: 'PublishedBatch' });
export type PublishedBatch = z.infer<typeof PublishedBatch>;

export const ConversationEvent = z
  .object({
    id: z.string(),
    eventId: z.string(),
    source: z.string(),
    type: z.string(),
    conversationId: z.string(),
    conversationPublicId: z.string(),
    occurredAt: z.string(),
    receivedAt: z.string(),
    actor: z.string().nullable(),
    status: z.enum(['running', 'succeeded', 'failed', 'partly', 'cancelled', 'no_handlers', 'duplicate']),
    /** Whether a workflow run has taken the event up. */
    claimed: z.boolean(),
    workflowId: z.string(),
    runId: z.string().nullable(),
  })
  .meta({ id: 'ConversationEvent' });
export type ConversationEvent = z.infer<typeof ConversationEvent>;
