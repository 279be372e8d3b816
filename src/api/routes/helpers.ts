import { createRoute, z } from '@hono/zod-openapi';
import { EventType } from '../../contract/conversation-event.ts';
import { DescribedEventType, DescribedHelper } from '../../contract/helper-registry.ts';
import { eventTypes } from '../../domain/event-types.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf } from '../lists.ts';
import { answers, needs, orProblem } from '../route-parts.ts';

/** From the helpers' definitions. */
export interface HelperRegistry {
  readonly helpers: readonly DescribedHelper[];
  /** The types that handlers in TypeScript are written with; of one type of event, or of all. */
  readonly declarations: (eventType?: EventType) => string;
}

const tags = ['Helpers'];

const list = createRoute({
  method: 'get',
  path: '/helpers',
  tags,
  summary: 'The functions that handlers may call',
  ...needs('read'),
  responses: answers(listOf(DescribedHelper, 'HelperList'), 'All of them.'),
});

const types = createRoute({
  method: 'get',
  path: '/helpers/types.d.ts',
  tags,
  summary: 'The types that handlers in TypeScript are written with',
  description: 'For editors: what `afterword types` writes.',
  ...needs('read'),
  request: {
    query: z.strictObject({
      eventType: EventType.optional().meta({ description: 'Left out: of all types of events.' }),
    }),
  },
  responses: {
    200: { description: 'Declarations.', content: { 'text/plain': { schema: z.string() } } },
    ...orProblem,
  },
});

const listEventTypes = createRoute({
  method: 'get',
  path: '/event-types',
  tags,
  summary: 'The types of conversation events',
  ...needs('read'),
  responses: answers(listOf(DescribedEventType, 'EventTypeList'), 'All of them.'),
});

export function addHelperRoutes(api: Api, { registry }: ApiDependencies): void {
  api.openapi(list, (c) => c.json({ items: [...registry.helpers], next: null }, 200));
  api.openapi(types, (c) => c.text(registry.declarations(c.req.valid('query').eventType), 200));
  api.openapi(listEventTypes, (c) => {
    const items = Object.entries(eventTypes).map(([name, description]) => ({ name, description }));
    return c.json({ items, next: null }, 200);
  });
}
