import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { defineHelper } from './define-helper.ts';
import { text } from './text-length.ts';

export const addConversationTag = defineHelper({
  name: 'add_conversation_tag',
  summary:
    'Adds a tag to the conversation; the tag is created where it does not exist. Adding it twice changes nothing.',
  pythonParams: 'context, tag',
  typescript: { params: 'tag: string', returns: '{ success: boolean; message: string; tagId: string }' },
  effect: 'write',
  docs: {
    params: { tag: `a text of 1 to ${String(limits.tagCharacters)} characters` },
    returns: '`{success, message, tagId}`',
    errors: {},
  },
  input: z.strictObject({ tag: text('the tag', { min: 1, max: limits.tagCharacters }) }),
  show: ({ tag }) => JSON.stringify(tag),
  async run({ tag }, { conversation }) {
    const { tagId, added } = await conversation.addTag(tag);
    return { success: true, message: added ? 'Tag added' : 'The conversation already has this tag', tagId };
  },
});
