import { z } from 'zod';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import { defineHelper } from './define-helper.ts';
import { text } from './text-length.ts';

export const setConversationMetadata = defineHelper({
  name: 'set_conversation_metadata',
  summary: 'Stores a text under a key on the conversation, over what was there; every handler of it can read it.',
  pythonParams: 'context, key, value',
  typescript: {
    params: 'key: string, value: string',
    returns: '{ success: boolean; message: string; key: string; value: string }',
  },
  effect: 'write',
  docs: {
    params: {
      key: `a text of 1 to ${String(limits.metadataKeyCharacters)} characters`,
      value: `a text of at most ${limits.metadataValueCharacters.toLocaleString('en')} characters; it may be empty`,
    },
    returns: '`{success, message, key, value}`',
    errors: { limit_exceeded: `the conversation already holds ${String(limits.metadataPairs)} other keys` },
  },
  input: z.strictObject({
    key: text('the key', { min: 1, max: limits.metadataKeyCharacters }),
    value: text('the value', { max: limits.metadataValueCharacters }),
  }),
  show: ({ key }) => JSON.stringify(key),
  async run({ key, value }, { conversation }) {
    if (!(await conversation.setMetadata(key, value))) {
      throw new AfterwordError(
        'limit_exceeded',
        `set_conversation_metadata: the conversation already holds ${String(limits.metadataPairs)} keys; ` +
          'delete one before you add another',
      );
    }
    return { success: true, message: 'Metadata saved', key, value };
  },
});
