/** The conversation event types handlers can be bound to. Adding one is adding a line here. */
export const eventTypes = {
  conversation_closed: 'A conversation was closed, by an agent, the bot or an automation.',
  conversation_handed_off: 'The bot handed a conversation off to a person.',
  conversation_reopened: 'A closed conversation was opened again by a reply.',
} as const;

export type EventType = keyof typeof eventTypes;

export const eventTypeNames = Object.keys(eventTypes) as [EventType, ...EventType[]];
