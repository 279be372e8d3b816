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
    handlers: ['first-response-time', 'summarise-closing'],
    tags: ['resolved'],
    metadata: {
      closing_summary: '{"messages": 5, "from_customer": 3, "from_bot": 1, "from_agent": 1, "minutes": 9.0}',
      first_response_seconds: '4',
    },
    timelineTypes: [],
  },
  {
    publicId: 'EXAMPLE2',
    handlers: ['handoff-counter', 'handoff-note'],
    tags: ['handed-off'],
    metadata: { handoffs: '1' },
    timelineTypes: ['note'],
  },
];
