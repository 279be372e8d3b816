import { createRoute, z } from '@hono/zod-openapi';
import { Conversation, ConversationInput, ConversationWithMessages } from '../../contract/conversation.ts';
import { getConversation, listConversations, saveConversation } from '../../store/conversations.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, bodyOf, needs } from '../route-parts.ts';
import { invalidRequest } from '../../contract/field-errors.ts';

const tags = ['Conversations'];

const SavedConversation = z
  .object({ id: z.string(), publicId: z.string(), messageCount: z.number().int() })
  .meta({ id: 'SavedConversation' });

const save = createRoute({
  method: 'put',
  path: '/conversations/{id}',
  tags,
  summary: 'Save a conversation and its new messages',
  description: 'Fields given replace what was there, fields left out stay; only messages that are new are added.',
  ...needs('publish'),
  request: { params: z.object({ id: z.uuid() }), body: bodyOf(ConversationInput) },
  responses: answers(SavedConversation, 'Saved.'),
});

const list = createRoute({
  method: 'get',
  path: '/conversations',
  tags,
  summary: 'List conversations, without their messages',
  ...needs('read'),
  request: { query: PageQuery },
  responses: answers(listOf(Conversation, 'ConversationList'), 'A page of conversations.'),
});

const get = createRoute({
  method: 'get',
  path: '/conversations/{id}',
  tags,
  summary: 'One conversation with its messages, tags, metadata and timeline',
  ...needs('read'),
  request: { params: z.object({ id: z.string().meta({ description: 'Its id or public id.' }) }) },
  responses: answers(ConversationWithMessages, 'The conversation.'),
});

export function addConversationRoutes(api: Api, { store }: ApiDependencies): void {
  api.openapi(save, async (c) => {
    const input = c.req.valid('json');
    if (input.id.toLowerCase() !== c.req.valid('param').id.toLowerCase()) {
      throw invalidRequest([{ field: 'id', message: 'is not the id in the path' }], 'body');
    }
    const saved = await saveConversation(store.db, c.get('organizationId'), input);
    return c.json({ id: saved.id, publicId: input.publicId, messageCount: saved.messageSeq }, 200);
  });

  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    return c.json(await pageOf(c.req.valid('query'), (page) => listConversations(store.db, organizationId, page)), 200);
  });

  api.openapi(get, async (c) => {
    return c.json(await getConversation(store.db, c.get('organizationId'), c.req.valid('param').id), 200);
  });
}
