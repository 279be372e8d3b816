import { createRoute, z } from '@hono/zod-openapi';
import { Tag } from '../../contract/conversation-parts.ts';
import { Conversation, ConversationInput, ConversationWithMessages } from '../../contract/conversation.ts';
import { getConversation, listConversations, saveConversation } from '../../store/conversations.ts';
import { limits } from '../../domain/limits.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';
import { invalidRequest } from '../../contract/field-errors.ts';

const tags = ['Conversations'];

const SavedConversation = z
  .object({ id: z.string(), publicId: z.string(), messageCount: z.number().int() })
  .meta({ id: 'SavedConversation' });

const params = z.object({ id: z.string().meta({ description: 'Id or public id of the conversation.' }) });
const part = z.string().min(1).max(limits.idCharacters).optional();
const ConversationQuery = PageQuery.extend({
  subject: part.meta({ description: 'A text in the subject, in any letter case.' }),
  publicId: part.meta({ description: 'A part of the public id.' }),
  customer: part.meta({ description: 'A text in the JSON of the customer.' }),
  tag: Tag.optional().meta({ description: 'A tag, whole.' }),
});

const save = createRoute({
  method: 'put',
  path: '/conversations/{id}',
  tags,
  summary: 'Save a conversation and its new messages',
  description: 'Fields given replace what was there, fields left out stay; only messages that are new are added.',
  ...needs('publish'),
  request: { params, body: bodyOf(ConversationInput) },
  responses: answers(SavedConversation, 'Saved.'),
});

const list = createRoute({
  method: 'get',
  path: '/conversations',
  tags,
  summary: 'List conversations, without their messages',
  ...needs('read'),
  request: { query: ConversationQuery },
  responses: answers(listOf(Conversation, 'ConversationList'), 'A page of conversations.'),
});

const get = createRoute({
  method: 'get',
  path: '/conversations/{id}',
  tags,
  summary: 'One conversation with its messages, tags, metadata and timeline',
  ...needs('read'),
  request: { params },
  responses: answers(ConversationWithMessages, 'The conversation.'),
});

export function addConversationRoutes(api: Api, { store }: ApiDependencies): void {
  api.openapi(save, async (c) => {
    const input = c.req.valid('json');
    const { id } = c.req.valid('param');
    if (input.id.toLowerCase() !== id.toLowerCase() && input.publicId !== id) {
      throw invalidRequest([{ field: 'id', message: 'neither this nor publicId is the id in the path' }], 'body');
    }
    const saved = await saveConversation(store.db, c.get('organizationId'), input);
    return c.json({ id: saved.id, publicId: input.publicId, messageCount: saved.messageSeq }, 200);
  });

  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    const query = c.req.valid('query');
    const find = (page: { limit: number; before?: string }) =>
      listConversations(store.db, organizationId, { ...query, ...page });
    return c.json(await pageOf(query, find), 200);
  });

  api.openapi(get, async (c) => {
    return c.json(await getConversation(store.db, c.get('organizationId'), c.req.valid('param').id), 200);
  });
}
