import { createRoute, z } from '@hono/zod-openapi';
import {
  AnalyticsCount,
  AnalyticsCountQuery,
  AnalyticsGroups,
  AnalyticsGroupsQuery,
  AnalyticsList,
  AnalyticsListQuery,
} from '../../contract/analytics-query.ts';
import { limits } from '../../domain/limits.ts';
import { countAnalytics, groupAnalytics, listAnalytics } from '../../store/analytics-query.ts';
import { eventLines, groupLines } from '../analytics-csv.ts';
import { csvAnswer, wantsCsv } from '../csv.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, needs, orProblem } from '../route-parts.ts';

const tags = ['Analytics'];

/** JSON, or CSV where that is asked for. */
function orCsv<Schema extends z.ZodType>(schema: Schema, description: string) {
  return {
    200: {
      description,
      content: { 'application/json': { schema }, 'text/csv': { schema: z.string() } },
    },
    ...orProblem,
  };
}

const list = createRoute({
  method: 'get',
  path: '/analytics/events',
  tags,
  summary: 'Analytics events that were accepted, newest first',
  ...needs('read'),
  request: { query: AnalyticsListQuery },
  responses: orCsv(AnalyticsList, 'A page of events; CSV has all that fit, where no limit is given.'),
});

const count = createRoute({
  method: 'get',
  path: '/analytics/count',
  tags,
  summary: 'How many analytics events fit',
  ...needs('read'),
  request: { query: AnalyticsCountQuery },
  responses: answers(AnalyticsCount, 'Their number.'),
});

const groups = createRoute({
  method: 'get',
  path: '/analytics/groups',
  tags,
  summary: 'How many analytics events fit, by what they say',
  description: 'Events that do not have what they are grouped by are in no group.',
  ...needs('read'),
  request: { query: AnalyticsGroupsQuery },
  responses: orCsv(AnalyticsGroups, 'A page of groups, the largest first.'),
});

export function addAnalyticsRoutes(api: Api, { store: { db } }: ApiDependencies): void {
  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    const { limit, offset, format, ...filters } = c.req.valid('query');
    if (wantsCsv(format, c.req.header('accept'))) {
      return csvAnswer('analytics-events', eventLines(db, organizationId, filters, { limit, offset }));
    }
    const page = { limit: limit ?? limits.defaultAnalyticsPage, offset };
    return c.json({ items: await listAnalytics(db, organizationId, filters, page), ...page }, 200);
  });

  api.openapi(count, async (c) =>
    c.json({ count: await countAnalytics(db, c.get('organizationId'), c.req.valid('query')) }, 200),
  );

  api.openapi(groups, async (c) => {
    const organizationId = c.get('organizationId');
    const { limit, offset, format, group_by: groupBy, ...filters } = c.req.valid('query');
    if (wantsCsv(format, c.req.header('accept'))) {
      return csvAnswer('analytics-groups', groupLines(db, organizationId, filters, groupBy, { limit, offset }));
    }
    const page = { limit: limit ?? limits.defaultAnalyticsPage, offset };
    return c.json({ ...(await groupAnalytics(db, organizationId, filters, groupBy, page)), ...page }, 200);
  });
}
