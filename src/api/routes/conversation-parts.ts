import { createRoute, z } from '@hono/zod-openapi';
import { Conversation } from '../../contract/conversation.ts';
import {
  AppendedMessages,
  ErasedConversation,
  MetadataInput,
  MetadataKey,
  NewMessages,
  Tag,
} from '../../contract/conversation-parts.ts';
import { appendMessages } from '../../store/append-messages.ts';
import { addTag, deleteMetadata, removeTag, setMetadata } from '../../store/conversation-parts.ts';
import { describeConversation } from '../../store/conversations.ts';
import { eraseConversation } from '../../store/erase-conversation.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';

const tags = ['Conversations'];
const id = z.string().meta({ description: 'Id or public id of the conversation.' });
const params = z.object({ id });
const conversation = answers(Conversation, 'The conversation as it is now, without its messages.');

const append = createRoute({
  method: 'post',
  path: '/conversations/{id}/messages',
  tags,
  summary: 'Append a message, or several',
  description:
    'Those that are new. A message is known by its id, one without an id by its content: several of the same content in one ' +
    'request are several.',
  ...needs('publish'),
  request: { params, body: bodyOf(NewMessages) },
  responses: answers(AppendedMessages, 'How many were new, and how many there are.'),
});

const erase = createRoute({
  method: 'delete',
  path: '/conversations/{id}',
  tags,
  summary: 'Erase a conversation wherever it stands',
  description:
    'Its messages and all that was made of them. Kept are its id, the keys of its events, so that a late repeat runs nothing, ' +
    'and its executions with status and times. A conflict while one of them has not ended.',
  ...needs('admin'),
  request: { params },
  responses: answers(ErasedConversation, 'How many of each were erased.'),
});

const tagParams = z.object({ id, tag: Tag });
const keyParams = z.object({ id, key: MetadataKey });

const putTag = createRoute({
  method: 'put',
  path: '/conversations/{id}/tags/{tag}',
  tags,
  summary: 'Add a tag',
  ...needs('write'),
  request: { params: tagParams },
  responses: conversation,
});

const deleteTag = createRoute({
  method: 'delete',
  path: '/conversations/{id}/tags/{tag}',
  tags,
  summary: 'Remove a tag',
  ...needs('write'),
  request: { params: tagParams },
  responses: conversation,
});

const putMetadata = createRoute({
  method: 'put',
  path: '/conversations/{id}/metadata/{key}',
  tags,
  summary: 'Set the value of a key',
  ...needs('write'),
  request: { params: keyParams, body: bodyOf(MetadataInput) },
  responses: conversation,
});

const deleteKey = createRoute({
  method: 'delete',
  path: '/conversations/{id}/metadata/{key}',
  tags,
  summary: 'Delete a key',
  ...needs('write'),
  request: { params: keyParams },
  responses: conversation,
});

/** What is written of a conversation, apart from saving it as a whole. */
export function addConversationPartRoutes(api: Api, { store: { db } }: ApiDependencies): void {
  api.openapi(append, async (c) => {
    const given = c.req.valid('json');
    const messages = Array.isArray(given) ? given : [given];
    return c.json(await appendMessages(db, c.get('organizationId'), c.req.valid('param').id, messages), 200);
  });

  api.openapi(erase, async (c) => {
    return c.json(await eraseConversation(db, c.get('organizationId'), c.req.valid('param').id), 200);
  });

  api.openapi(putTag, async (c) => {
    const { id: which, tag } = c.req.valid('param');
    await addTag(db, c.get('organizationId'), which, tag);
    return c.json(await describeConversation(db, c.get('organizationId'), which), 200);
  });

  api.openapi(deleteTag, async (c) => {
    const { id: which, tag } = c.req.valid('param');
    await removeTag(db, c.get('organizationId'), which, tag);
    return c.json(await describeConversation(db, c.get('organizationId'), which), 200);
  });

  api.openapi(putMetadata, async (c) => {
    const { id: which, key } = c.req.valid('param');
    await setMetadata(db, c.get('organizationId'), which, { key, ...c.req.valid('json') });
    return c.json(await describeConversation(db, c.get('organizationId'), which), 200);
  });

  api.openapi(deleteKey, async (c) => {
    const { id: which, key } = c.req.valid('param');
    await deleteMetadata(db, c.get('organizationId'), which, key);
    return c.json(await describeConversation(db, c.get('organizationId'), which), 200);
  });
}
