import { z } from 'zod';
import { Message } from './conversation.ts';
import { EventType } from './conversation-event.ts';
import { JsonObject } from './json.ts';

/** The `context` of a handler of events: what editors are told of it. A test holds real ones to it. */
export const HandlerContext = z.strictObject({
  args: z.strictObject({
    event_type: EventType,
    event_id: z.string().meta({ description: 'The publisher’s id of the event.' }),
    occurred_at: z.string().meta({ description: 'ISO 8601, UTC.' }),
    attempt: z.number().meta({ description: 'From 1; it grows with every try, also after a lost worker.' }),
    actor: z
      .enum(['agent', 'bot', 'automation'])
      .optional()
      .meta({ description: 'Who closed it or handed it off, where the event says it.' }),
  }),
  conversation: z
    .strictObject({
      id: z.string(),
      publicId: z.string(),
      subject: z.string(),
      businessSlug: z.string(),
      initialChannel: z.string().nullable(),
      latestChannel: z.string().nullable(),
      messages: z.array(Message).meta({ description: 'Oldest first.' }),
    })
    .meta({ description: 'As it was when the event was received.' }),
  business: z.strictObject({ name: z.string(), slug: z.string() }),
  customer: JsonObject.nullable(),
  secrets: z.record(z.string(), z.string()).meta({
    description: 'Those that the handler’s setting `secrets` names. Masked in whatever it prints or returns.',
  }),
  browser_session: JsonObject.optional().meta({ description: 'Only for web chat.' }),
});
