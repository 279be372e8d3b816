import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { defineHelper } from './define-helper.ts';
import { text } from './text-length.ts';

export const getConversationMetadata = defineHelper({
  name: 'get_conversation_metadata',
  summary: 'The text stored under a key on the conversation, or None.',
  pythonParams: 'context, key',
  typescript: { params: 'key: string', returns: 'string | null' },
  effect: 'read',
  docs: {
    params: { key: `a text of 1 to ${String(limits.metadataKeyCharacters)} characters` },
    returns: 'the text, or `None`',
    errors: {},
  },
  input: z.strictObject({ key: text('the key', { min: 1, max: limits.metadataKeyCharacters }) }),
  show: ({ key }) => JSON.stringify(key),
  run: ({ key }, { conversation }) => conversation.getMetadata(key),
});
