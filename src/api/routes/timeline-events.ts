import { createRoute, z } from '@hono/zod-openapi';
import type { TimelineEvent } from '../../contract/conversation.ts';
import { toFieldErrors, invalidRequest } from '../../contract/field-errors.ts';
import {
  EventFault,
  EventPage,
  type ListedEvent,
  type TimelineField,
  timelineFields,
  TimelineEventInput,
  WrittenEvent,
} from '../../contract/timeline-event.ts';
import { limits } from '../../domain/limits.ts';
import { writeTimelineEvents } from '../../store/new-timeline-events.ts';
import { listTimelineEvents } from '../../store/timeline-events.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { bodyOf, jsonOf, needs } from '../route-parts.ts';
import { searchOf, TimelineQuery } from '../timeline-query.ts';
import { checkInput } from '../validation.ts';

const tags = ['Timeline events'];
const Several = z.array(TimelineEventInput).min(1).max(limits.eventsPerRequest);
const Written = z.union([WrittenEvent, z.object({ items: z.array(WrittenEvent) })]).meta({ id: 'WrittenEvents' });

const EventError = z.object({ detail: z.string(), code: z.string(), mend: z.string() }).meta({ id: 'EventError' });

const faults = {
  401: jsonOf(EventError, 'No valid API key.'),
  403: jsonOf(EventError, 'The key lacks the scope.'),
  422: jsonOf(EventFault, 'What is wrong with the request.'),
  429: jsonOf(EventError, 'Too many requests.'),
  default: jsonOf(EventError, 'Any other error.'),
};

const listAt = (path: '/events' | '/events/') =>
  createRoute({
    method: 'get',
    path,
    hide: path === '/events',
    tags,
    summary: 'List timeline events as Syllable does',
    description:
      'For clients of Syllable: the same query, the same answer, errors in its shape. Newest first; totals are exact.',
    ...needs('read'),
    request: { query: TimelineQuery },
    responses: { 200: jsonOf(EventPage, 'A page of events.'), ...faults },
  });

const writeAt = (path: '/events' | '/events/') =>
  createRoute({
    method: 'post',
    path,
    hide: path === '/events',
    tags,
    summary: 'Write one timeline event, or several',
    description:
      'One event, or a list of at most 1,000, of which all are written or none. The same `id` again changes nothing and is ' +
      'answered with the event as it was written first.',
    ...needs('publish', { starts: true }),
    request: { body: bodyOf(z.union([TimelineEventInput, Several])) },
    responses: {
      201: jsonOf(Written, 'Written: the event, or `items` for a list.'),
      409: jsonOf(EventError, 'The first request with the same Idempotency-Key is under way.'),
      ...faults,
    },
  });

export function addTimelineEventRoutes(api: Api, { store }: ApiDependencies): void {
  for (const path of ['/events/', '/events'] as const) {
    api.openapi(listAt(path), async (c) => {
      const query = c.req.valid('query');
      const { page, limit, order_by: orderBy, order_by_direction: direction } = query;
      const wanted = { offset: page * limit, limit, orderBy, direction };
      const { total, events } = await listTimelineEvents(store.db, c.get('organizationId'), searchOf(query), wanted);
      const fields = query.fields.length === 0 ? timelineFields : query.fields;
      return c.json(
        {
          items: events.map((event) => toListed(event, fields)),
          page,
          page_size: limit,
          total_pages: limit === 0 ? 0 : Math.ceil(total / limit),
          total_count: total,
        },
        200,
      );
    });

    api.openapi(
      writeAt(path),
      async (c) => {
        const input = c.req.valid('json');
        const organizationId = c.get('organizationId');
        const written = await writeTimelineEvents(store.db, organizationId, Array.isArray(input) ? input : [input]);
        const items = written.map(({ id, event, duplicate }) => ({
          id,
          duplicate,
          ...toListed(event, timelineFields),
        }));
        const [first] = items;
        return c.json(Array.isArray(input) || first === undefined ? { items } : first, 201);
      },
      checkEvents,
    );
  }
}

function toListed(event: TimelineEvent, fields: readonly TimelineField[]): ListedEvent {
  const entries = fields.map((field) => [field, event[field]] as const);
  return { ...Object.fromEntries(entries), timestamp: event.timestamp };
}

/** A schema of two shapes would complain about both; the sender means one. */
function checkEvents(checked: Parameters<typeof checkInput>[0]): undefined {
  if (!checked.success) {
    const meant = Array.isArray(checked.data) ? Several : TimelineEventInput;
    const issues = meant.safeParse(checked.data).error?.issues ?? [];
    throw invalidRequest(
      issues.flatMap((issue) => toFieldErrors(issue)),
      'body',
    );
  }
  checkInput(checked);
}
