import { z } from 'zod';
import { limits } from '../domain/limits.ts';
import { defineHelper } from './define-helper.ts';
import { text } from './text-length.ts';

export const deleteConversationMetadata = defineHelper({
  name: 'delete_conversation_metadata',
  summary: 'Removes a key and its text from the conversation; success is False where there was no such key.',
  pythonParams: 'context, key',
  typescript: { params: 'key: string', returns: '{ success: boolean; message: string }' },
  effect: 'write',
  docs: {
    params: { key: `a text of 1 to ${String(limits.metadataKeyCharacters)} characters` },
    returns: '`{success, message}`; where there is no such key `success` is `False` and the message "Key not found"',
    errors: {},
  },
  input: z.strictObject({ key: text('the key', { min: 1, max: limits.metadataKeyCharacters }) }),
  show: ({ key }) => JSON.stringify(key),
  async run({ key }, { conversation }) {
    const deleted = await conversation.deleteMetadata(key);
    return deleted ? { success: true, message: 'Metadata deleted' } : { success: false, message: 'Key not found' };
  },
});
