import { createRoute, z } from '@hono/zod-openapi';
import { ConversationEvent, ConversationEventInput, PublishedEvent } from '../../contract/conversation-event.ts';
import { Execution } from '../../contract/execution.ts';
import { AfterwordError } from '../../domain/errors.ts';
import { logEventAccepted } from '../../observability/server-log.ts';
import { acceptEvent, getEvent, listEvents } from '../../store/conversation-events.ts';
import { listExecutions } from '../../store/executions.ts';
import { checkEventInput } from '../conversation-event-errors.ts';
import { isUuid } from '../../store/uuid-text.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, bodyOf, jsonOf, orProblem, needs } from '../route-parts.ts';

const tags = ['Conversation events'];
const params = z.object({ id: z.string().meta({ description: 'The `id` that publishing answered.' }) });

const publish = createRoute({
  method: 'post',
  path: '/conversation-events',
  tags,
  summary: 'Publish a conversation event',
  description:
    'Each event runs the enabled handlers of its type once. The same source and id again is the same event: the answer ' +
    'is like the first, marked as a duplicate, and nothing runs twice. Without an id, occurredAt is needed.',
  ...needs('publish', { starts: true }),
  request: { body: bodyOf(ConversationEventInput) },
  responses: { 202: jsonOf(PublishedEvent, 'Accepted: the event is stored and its handlers will run.'), ...orProblem },
});

const list = createRoute({
  method: 'get',
  path: '/conversation-events',
  tags,
  summary: 'List conversation events, newest first',
  ...needs('read'),
  request: { query: PageQuery },
  responses: answers(listOf(ConversationEvent, 'ConversationEventList'), 'A page of events.'),
});

const get = createRoute({
  method: 'get',
  path: '/conversation-events/{id}',
  tags,
  summary: 'One conversation event',
  ...needs('read'),
  request: { params },
  responses: answers(ConversationEvent, 'The event.'),
});

const listItsExecutions = createRoute({
  method: 'get',
  path: '/conversation-events/{id}/executions',
  tags,
  summary: 'The executions of one conversation event',
  ...needs('read'),
  request: { params, query: PageQuery },
  responses: answers(listOf(Execution, 'ExecutionList'), 'A page of executions.'),
});

const cancel = createRoute({
  method: 'post',
  path: '/conversation-events/{id}/cancel',
  tags,
  summary: 'Cancel what has not ended of one conversation event',
  ...needs('write'),
  request: { params },
  responses: {
    200: jsonOf(ConversationEvent, 'Nothing ran its handlers; they have been cancelled.'),
    202: jsonOf(ConversationEvent, 'As it stands; its handlers end within seconds.'),
    ...orProblem,
  },
});

export function addConversationEventRoutes(api: Api, deps: ApiDependencies): void {
  const { store, startSoon, cancelling, log, metrics } = deps;
  api.openapi(
    publish,
    async (c) => {
      const organizationId = c.get('organizationId');
      const accepted = await acceptEvent(store.db, organizationId, c.req.valid('json'));
      const { id, eventId, workflowId, duplicate, executions } = accepted;
      logEventAccepted(log, { organizationId, eventId: id, workflowId, duplicate, handlers: executions.length });
      metrics?.eventAccepted({ organizationId, type: accepted.type, duplicate });
      if (!duplicate) await startSoon({ ...accepted, organizationId });
      return c.json({ id, eventId, workflowId, duplicate }, 202);
    },
    checkEventInput,
  );

  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    return c.json(await pageOf(c.req.valid('query'), (page) => listEvents(store.db, organizationId, page)), 200);
  });

  api.openapi(get, async (c) => {
    const { id } = c.req.valid('param');
    requireEventId(id);
    return c.json(await getEvent(store.db, c.get('organizationId'), id), 200);
  });

  api.openapi(cancel, async (c) => {
    const { id } = c.req.valid('param');
    requireEventId(id);
    const { asked, event } = await cancelling.event(c.get('organizationId'), id);
    return c.json(event, asked ? 202 : 200);
  });

  api.openapi(listItsExecutions, async (c) => {
    const organizationId = c.get('organizationId');
    const { id } = c.req.valid('param');
    requireEventId(id);
    await getEvent(store.db, organizationId, id);
    const find = (page: { limit: number; before?: string }) =>
      listExecutions(store.db, organizationId, { ...page, event: id });
    return c.json(await pageOf(c.req.valid('query'), find), 200);
  });
}

function requireEventId(id: string): void {
  if (!isUuid(id)) throw new AfterwordError('event_not_found', `There is no conversation event "${id.slice(0, 100)}".`);
}
