/** What must stand in the store when the example handlers have run for the example events. */
export interface ExpectedConversation {
  readonly publicId: string;
  readonly handlers: readonly string[];
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly timelineTypes: readonly string[];
}

export const expectedConversations: readonly ExpectedConversation[] = [
  {
    publicId: 'EXAMPLE1',
    handlers: ['classify-conversation', 'first-reply', 'log-to-sheets', 'notify-webhook', 'update-crm'],
    tags: [],
    metadata: { first_reply_seconds: '465' },
    timelineTypes: ['first-reply'],
  },
  {
    publicId: 'EXAMPLE2',
    handlers: ['handoff-note', 'tell-slack'],
    tags: ['handed-off'],
    metadata: {},
    timelineTypes: ['note'],
  },
];

/** What their requests were, in the order of the alphabet; each once. */
export const expectedRequests = [
  'POST api.example.com/crm/conversations',
  'POST api.example.com/webhook',
  'POST hooks.slack.com/services/YOUR/WEBHOOK/URL',
];

export const expectedRows = [
  ['Conversation ID', 'Subject', 'Messages', 'Closed At', 'Business'],
  ['EXAMPLE1', 'Where is my order?', 5, '2026-01-15T09:21:00Z', 'example-shop'],
];

/** The value of each analytics event, and what became of it in each sink. */
export const expectedEvents = [['resolved', 'delivered']];
