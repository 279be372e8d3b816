import { z } from 'zod';
import { Timestamp } from '../contract/conversation.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { defineHelper } from './define-helper.ts';
import { text } from './text-length.ts';

const field = (name: string) => text(name, { max: limits.timelineDescriptionCharacters }).nullable().optional();

/** The ten fields of a timeline event; conversation_id is accepted and always the execution's own conversation. */
export const TimelineEventFields = z.strictObject(
  {
    timestamp: z.iso
      .datetime({ offset: true, error: 'must be ISO 8601 with a time and an offset, such as 2026-01-31T12:00:00Z' })
      .pipe(Timestamp)
      .optional(),
    session_id: field('session_id'),
    conversation_id: field('conversation_id'),
    source: field('source'),
    source_id: field('source_id'),
    category: field('category'),
    type: field('type'),
    user_id: field('user_id'),
    description: field('description'),
    attributes: z.record(z.string(), z.json(), { error: 'must be a dict' }).nullable().optional(),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'must be a text or a dict' : undefined) },
);

export const addConversationEvent = defineHelper({
  name: 'add_conversation_event',
  summary: "Writes an entry into the conversation's timeline: a text, or a dict with the fields of a timeline event.",
  pythonParams: 'context, event',
  typescript: {
    params: 'event: string | TimelineEventFields',
    returns: '{ success: boolean; message: string; eventId: string }',
  },
  effect: 'write',
  docs: {
    params: {
      event:
        `a text of at most ${limits.timelineDescriptionCharacters.toLocaleString('en')} characters, which becomes the ` +
        'description, or a dict with the fields below',
    },
    returns: '`{success, message, eventId}`',
    errors: { limit_exceeded: `the event takes more than ${String(limits.timelineEventBytes / 1024)} KB of JSON` },
    notes: [
      'Fields, all optional: `timestamp` (ISO 8601 with an offset; else now), `session_id`, `source` (else `tool-call`), ' +
        '`source_id` (else the id of the execution), `category`, `type`, `user_id`, `description` (texts) and ' +
        '`attributes` (a dict). `conversation_id` is always that of the conversation.',
    ],
  },
  input: z.strictObject({
    event: z.preprocess((event) => (typeof event === 'string' ? { description: event } : event), TimelineEventFields),
  }),
  async run({ event: fields }, { conversation, callId, executionId }) {
    const size = Buffer.byteLength(JSON.stringify(fields));
    if (size > limits.timelineEventBytes) {
      throw new AfterwordError(
        'limit_exceeded',
        `add_conversation_event: the event is ${String(size)} bytes of JSON; at most ${String(limits.timelineEventBytes)} are allowed`,
      );
    }
    await conversation.addTimelineEvent({
      id: callId,
      timestamp: fields.timestamp === undefined ? new Date() : new Date(fields.timestamp),
      sessionId: fields.session_id ?? null,
      source: fields.source ?? 'tool-call',
      sourceId: fields.source_id ?? executionId,
      category: fields.category ?? null,
      type: fields.type ?? null,
      userId: fields.user_id ?? null,
      description: fields.description ?? null,
      attributes: fields.attributes ?? null,
    });
    return { success: true, message: 'Event added', eventId: callId };
  },
});
