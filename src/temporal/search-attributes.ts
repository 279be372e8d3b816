import { defineSearchAttributeKey } from '@temporalio/common';

export const organizationKey = defineSearchAttributeKey('AfterwordOrganization', 'KEYWORD');
export const eventTypeKey = defineSearchAttributeKey('AfterwordEventType', 'KEYWORD');
export const conversationKey = defineSearchAttributeKey('AfterwordConversation', 'KEYWORD');
/** How the event's handlers ended: succeeded, partly or failed. */
export const statusKey = defineSearchAttributeKey('AfterwordStatus', 'KEYWORD');

/** A cluster needs each of them once: `temporal operator search-attribute create --type Keyword --name …`. */
export const searchAttributeNames: readonly string[] = [organizationKey, eventTypeKey, conversationKey, statusKey].map(
  ({ name }) => name,
);
