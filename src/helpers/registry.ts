import { addConversationEvent } from './add-conversation-event.ts';
import { addConversationTag } from './add-conversation-tag.ts';
import { addGoogleSheetsRow } from './add-google-sheets-row.ts';
import { deleteConversationMetadata } from './delete-conversation-metadata.ts';
import { getConversationMetadata } from './get-conversation-metadata.ts';
import type { ActivityHelper, Helper } from './helper.ts';
import { isHoliday } from './is-holiday.ts';
import { listPredefinedFunctions } from './list-predefined-functions.ts';
import { llmClassifyBinary } from './llm-classify-binary.ts';
import { llmClassifyCategory } from './llm-classify-category.ts';
import { registerEvent } from './register-event.ts';
import { setConversationMetadata } from './set-conversation-metadata.ts';

/** Every helper, in the order in which handlers are told of them. */
export const helpers: readonly Helper[] = [
  addConversationTag,
  setConversationMetadata,
  getConversationMetadata,
  deleteConversationMetadata,
  addConversationEvent,
  llmClassifyBinary,
  llmClassifyCategory,
  addGoogleSheetsRow,
  isHoliday,
  registerEvent,
  listPredefinedFunctions,
];

export const activityHelpers: ReadonlyMap<string, ActivityHelper> = new Map(
  helpers
    .filter((helper): helper is ActivityHelper => helper.answeredIn === 'activity')
    .map((helper) => [helper.name, helper]),
);
