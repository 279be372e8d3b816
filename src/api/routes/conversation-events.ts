import { createRoute, z } from '@hono/zod-openapi';
import {
  ConversationEvent,
  ConversationEventInput,
  PublishedBatch,
  PublishedEvent,
} from '../../contract/conversation-event.ts';
import { Execution } from '../../contract/execution.ts';
import { RerunInput, StartedReruns } from '../../contract/rerun.ts';
import { AfterwordError } from '../../domain/errors.ts';
import { limits } from '../../domain/limits.ts';
import { getEvent, listEvents } from '../../store/conversation-events.ts';
import { listExecutions } from '../../store/executions.ts';
import { batched, cloudEventSchema, eventFormatOf, fromCloudEvent, structured } from '../cloud-events.ts';
import { checkEventInput } from '../conversation-event-errors.ts';
import { isUuid } from '../../store/uuid-text.ts';
import type { checkInput } from '../validation.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import type { ApiContext } from '../problems.ts';
import { createPublish, publishBatch, requireBatch, takeCloudEvents } from '../publishing.ts';
import { rerunEvent } from '../rerun-event.ts';
import { answers, bodyOf, jsonOf, orProblem, needs } from '../route-parts.ts';

const tags = ['Conversation events'];
const params = z.object({ id: z.string().meta({ description: 'The `id` that publishing answered.' }) });

const publishNeeds = needs('publish', { starts: true });
const cloudEvent = { schema: { $ref: '#/components/schemas/CloudEvent' } };
const cloudEvents = { schema: { type: 'array' as const, items: cloudEvent.schema } };

/** In the document only: what comes so is made an event of ours before it is checked. */
function alsoTaking<Body extends { readonly content: object }>(
  body: Body,
  content: Readonly<Record<string, object>>,
): Body {
  Object.assign(body.content, content);
  return body;
}

const publishWith = (cloud: ReturnType<typeof takeCloudEvents>) =>
  createRoute({
    method: 'post',
    path: '/conversation-events',
    tags,
    summary: 'Publish a conversation event',
    description:
      'Each event runs the enabled handlers of its type once. The same source and id again is the same event: the answer ' +
      'is like the first, marked as a duplicate, and nothing runs twice. Without an id, occurredAt is needed. CloudEvents ' +
      '1.0 are taken too, structured, binary (attributes in headers `ce-…`) and in batches, which are answered as ' +
      '/conversation-events/batch does.',
    ...publishNeeds,
    middleware: [...publishNeeds.middleware, cloud],
    request: { body: alsoTaking(bodyOf(ConversationEventInput), { [structured]: cloudEvent, [batched]: cloudEvents }) },
    responses: {
      200: jsonOf(PublishedBatch, 'Of a batch of CloudEvents: one result each.'),
      202: jsonOf(PublishedEvent, 'Accepted: the event is stored and its handlers will run.'),
      ...orProblem,
    },
  });

const anEvent = z.unknown().meta({ type: 'object', description: 'As POST /conversation-events takes one.' });
const Batch = z.array(anEvent).min(1).max(limits.eventsPerRequest);

const publishSeveral = createRoute({
  method: 'post',
  path: '/conversation-events/batch',
  tags,
  summary: 'Publish up to 1,000 conversation events',
  description:
    'Each is taken or refused by itself; those of one conversation in their order. What came with 5xx can be sent again, as can all of them.',
  ...publishNeeds,
  request: { body: alsoTaking(bodyOf(Batch), { [batched]: cloudEvents }) },
  responses: answers(PublishedBatch, 'One result each, in the order of the events.'),
});

const rerun = createRoute({
  method: 'post',
  path: '/conversation-events/{id}/rerun',
  tags,
  summary: 'Run all executions of a conversation event again',
  description:
    'Each as POST /executions/{id}/rerun does. An event whose executions can none of them be run again is a conflict.',
  ...needs('write', { starts: true }),
  request: { params, body: bodyOf(RerunInput) },
  responses: { 202: jsonOf(StartedReruns, 'They run, or will; those that cannot say why.'), ...orProblem },
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
  const { store, cancelling, log } = deps;
  const publish = createPublish(deps);
  const batchOf = (c: ApiContext, events: readonly unknown[], toOurs: (event: unknown) => unknown) =>
    publishBatch(c, { publish, log }, events, toOurs);

  api.openAPIRegistry.registerComponent('schemas', 'CloudEvent', cloudEventSchema);
  api.openapi(
    publishWith(takeCloudEvents(async (c, events) => c.json(await batchOf(c, events, fromCloudEvent), 200))),
    async (c) => c.json(await publish(c.get('organizationId'), c.req.valid('json')), 202),
    checkEventInput,
  );

  api.openapi(
    publishSeveral,
    async (c) => {
      const toOurs = eventFormatOf(c) === 'batch' ? fromCloudEvent : (event: unknown) => event;
      return c.json(await batchOf(c, c.req.valid('json'), toOurs), 200);
    },
    // What is wrong in one of them is found, and said, with that one.
    ({ success, data }: Parameters<typeof checkInput>[0]) => {
      if (!success) requireBatch(data);
    },
  );

  api.openapi(rerun, async (c) => {
    const { id } = c.req.valid('param');
    requireEventId(id);
    return c.json(await rerunEvent(c, deps, id, c.req.valid('json')), 202);
  });

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
