import { createMiddleware } from 'hono/factory';
import { z } from 'zod';
import { ConversationEventInput, type PublishedBatch, type PublishedEvent } from '../contract/conversation-event.ts';
import { invalidRequest } from '../contract/field-errors.ts';
import { eachWithConcurrency } from '../domain/concurrency.ts';
import { limits } from '../domain/limits.ts';
import { logEventAccepted } from '../observability/server-log.ts';
import { acceptEvent } from '../store/conversation-events.ts';
import { eventFormatOf, fromCloudEvent, withAttributesOfHeaders } from './cloud-events.ts';
import { checkEventInput } from './conversation-event-errors.ts';
import type { ApiDependencies, ApiEnvironment } from './environment.ts';
import { type KnownEvent, KnownEvents } from './known-events.ts';
import { type ApiContext, problemOf } from './problems.ts';

/** Of one batch: transactions of other requests need connections too. */
const atOnce = 4;

export type Publish = (organizationId: string, input: ConversationEventInput) => Promise<PublishedEvent>;

/** Stores an event and sees to its start. */
export function createPublish({ store, startSoon, log, metrics }: ApiDependencies): Publish {
  const knownEvents = new KnownEvents();
  store.onConnectionLost(() => {
    knownEvents.forget();
  });

  function published(organizationId: string, event: KnownEvent, duplicate: boolean): PublishedEvent {
    const { id, eventId, workflowId, type, handlers } = event;
    logEventAccepted(log, { organizationId, eventId: id, workflowId, duplicate, handlers });
    metrics?.eventAccepted({ organizationId, type, duplicate });
    return { id, eventId, workflowId, duplicate };
  }

  return async (organizationId, input) => {
    const known = knownEvents.find(organizationId, input);
    if (known !== undefined) return published(organizationId, known, true);
    const accepted = await acceptEvent(store.db, organizationId, input);
    const { id, eventId, workflowId, type, conversationId, duplicate, executions } = accepted;
    const event = { id, eventId, workflowId, type, conversationId, handlers: executions.length };
    knownEvents.remember(organizationId, input.source, event);
    const answer = published(organizationId, event, duplicate);
    if (!duplicate) await startSoon({ ...accepted, organizationId });
    return answer;
  };
}

/** Throws `invalid_request` for what is no list, is empty or too long. */
export function requireBatch(events: unknown): readonly unknown[] {
  const most = limits.eventsPerRequest;
  if (!Array.isArray(events)) throw invalidRequest([{ field: '', message: 'expected a list of events' }], 'body');
  if (events.length > 0 && events.length <= most) return events;
  const message = `expected 1 to ${most.toLocaleString('en')} events; these are ${String(events.length)}`;
  throw invalidRequest([{ field: '', message }], 'body');
}

/** Each event by itself, those of one conversation in their order; one result each, in the order of the events. */
export async function publishBatch(
  c: ApiContext,
  { publish, log }: { readonly publish: Publish } & Pick<ApiDependencies, 'log'>,
  events: readonly unknown[],
  toOurs: (event: unknown) => unknown,
): Promise<PublishedBatch> {
  const results = new Map<number, PublishedBatch['results'][number]>();
  const ofConversation = Map.groupBy(events.entries(), ([, event]) => conversationOf(event));
  await eachWithConcurrency([...ofConversation.values()], atOnce, async (entries) => {
    for (const [index, event] of entries) {
      try {
        const published = await publish(c.get('organizationId'), checkedEvent(toOurs(event)));
        results.set(index, { status: 202, ...published });
      } catch (error) {
        const problem = await problemOf(error, c, log);
        if (problem.status >= 500) c.set('unfinished', true);
        results.set(index, { status: problem.status, problem });
      }
    }
  });
  return { results: events.flatMap((_, index) => results.get(index) ?? []) };
}

function checkedEvent(event: unknown): ConversationEventInput {
  const { success, data, error } = ConversationEventInput.safeParse(event);
  checkEventInput(success ? { target: 'json', success, data } : { target: 'json', success, data: event, error });
  // What is no event has been refused, with each wrong field, by the check.
  if (!success) throw error;
  return data;
}

const Named = z
  .object({
    subject: z.unknown(),
    conversationId: z.unknown(),
    conversation: z.object({ id: z.unknown() }).catch({ id: undefined }),
  })
  .partial();

/** Only to keep an order: what is wrong is found later. */
function conversationOf(event: unknown): unknown {
  const named = Named.safeParse(event).data;
  return named?.conversation?.id ?? named?.conversationId ?? named?.subject;
}

/** Hands CloudEvents on as events of ours; a batch of them is answered by `answerBatch`. */
export function takeCloudEvents(answerBatch: (c: ApiContext, events: readonly unknown[]) => Promise<Response>) {
  return createMiddleware<ApiEnvironment>(async (c, next) => {
    const format = eventFormatOf(c);
    if (format === 'ours') {
      await next();
      return;
    }
    const body = await jsonOrNothing(c);
    // The check that follows says what is wrong with it.
    if (body === undefined) {
      await next();
      return;
    }
    if (format === 'batch') return await answerBatch(c, requireBatch(body.json));
    const event = format === 'binary' ? withAttributesOfHeaders(c, body.json) : body.json;
    const headers = new Headers(c.req.raw.headers);
    headers.set('content-type', 'application/json');
    c.req.raw = new Request(c.req.url, { method: 'POST', headers, body: JSON.stringify(fromCloudEvent(event)) });
    c.req.bodyCache = {};
    await next();
  });
}

async function jsonOrNothing(c: ApiContext): Promise<{ json: unknown } | undefined> {
  const text = await c.req.text();
  // Of a binary event without data.
  if (text === '' && eventFormatOf(c) === 'binary') return { json: null };
  try {
    const json: unknown = JSON.parse(text);
    return { json };
  } catch {
    return undefined;
  }
}
