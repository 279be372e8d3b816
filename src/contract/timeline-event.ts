import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { Timestamp } from './conversation.ts';
import { NullableJsonObject } from './json.ts';

/** Syllable's names, in Syllable's order. */
export const timelineFields = [
  'timestamp',
  'session_id',
  'conversation_id',
  'source',
  'source_id',
  'category',
  'type',
  'user_id',
  'description',
  'attributes',
] as const;
export type TimelineField = (typeof timelineFields)[number];

const text = z.string().max(limits.timelineDescriptionCharacters).nullable().optional();
const kilobytes = limits.timelineEventBytes / 1024;

/** A timeline event as somebody else's system sends it. */
export const TimelineEventInput = z
  .strictObject({
    id: z
      .string()
      .min(1)
      .max(limits.idCharacters)
      .optional()
      .meta({ description: 'The sender’s; the same again is the same event, answered as it came first.' }),
    timestamp: Timestamp,
    session_id: text,
    conversation_id: text.meta({
      description: 'With the id of a known conversation the event stands in its timeline.',
    }),
    source: text,
    source_id: text,
    category: text,
    type: text,
    user_id: text,
    description: text,
    attributes: NullableJsonObject.optional(),
  })
  .refine((event) => Buffer.byteLength(JSON.stringify(event)) <= limits.timelineEventBytes, {
    error: `must be at most ${String(kilobytes)} KB of JSON`,
    when: ({ issues }) => issues.length === 0,
  })
  .meta({ id: 'TimelineEventInput' });
export type TimelineEventInput = z.infer<typeof TimelineEventInput>;

/** One timeline event as lists answer it: what was asked for, and always its timestamp. */
export const ListedEvent = z
  .object({
    timestamp: z.string().meta({ description: 'RFC 3339, in UTC: it ends in Z.' }),
    session_id: z.string().nullable().optional(),
    conversation_id: z.string().nullable().optional(),
    source: z.string().nullable().optional(),
    source_id: z.string().nullable().optional(),
    category: z.string().nullable().optional(),
    type: z.string().nullable().optional(),
    user_id: z.string().nullable().optional(),
    description: z.string().nullable().optional(),
    attributes: NullableJsonObject.optional(),
  })
  .meta({ id: 'ListedEvent' });
export type ListedEvent = z.infer<typeof ListedEvent>;

export const EventPage = z
  .object({
    items: z.array(ListedEvent),
    page: z.number().int().meta({ description: 'From 0.' }),
    page_size: z.number().int(),
    total_pages: z.number().int(),
    total_count: z.number().int(),
  })
  .meta({ id: 'EventPage' });
export type EventPage = z.infer<typeof EventPage>;

export const WrittenEvent = ListedEvent.extend({
  id: z.string().meta({ description: 'The sender’s, else the one made for it.' }),
  duplicate: z.boolean(),
}).meta({ id: 'WrittenEvent' });
export type WrittenEvent = z.infer<typeof WrittenEvent>;

/** Errors of /events, in the shape that Syllable's clients read. */
export const EventFault = z
  .object({
    detail: z.array(
      z.object({ loc: z.array(z.union([z.string(), z.number().int()])), msg: z.string(), type: z.string() }),
    ),
  })
  .meta({ id: 'EventFault' });
export type EventFault = z.infer<typeof EventFault>;
