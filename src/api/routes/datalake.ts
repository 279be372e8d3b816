import { createRoute, z } from '@hono/zod-openapi';
import { DatalakeQuery } from '../../contract/analytics-query.ts';
import { JsonObject } from '../../contract/json.ts';
import { limits } from '../../domain/limits.ts';
import { pythonText } from '../../domain/python-text.ts';
import { countAnalytics, groupAnalytics, listAnalytics } from '../../store/analytics-query.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, needs } from '../route-parts.ts';

const metrics = ['events', 'events_count', 'events_count_by_group'] as const;

const query = createRoute({
  method: 'get',
  path: '/datalake/{metric}',
  tags: ['Analytics'],
  summary: 'Analytics events, as the datalake’s client asks for them',
  description:
    'For weni-datalake-sdk: `REDSHIFT_QUERY_BASE_URL` is this path without the metric, `EVENTS_METRIC_NAME` is `events`, ' +
    '`EVENTS_COUNT_METRIC_NAME` `events_count`, `EVENTS_COUNT_BY_GROUP_METRIC_NAME` `events_count_by_group`. The key may come in ' +
    'the header `secretsaccesstoken`. Parameters that are not known are ignored.',
  ...needs('read'),
  request: { params: z.object({ metric: z.enum(metrics) }), query: DatalakeQuery },
  responses: answers(
    z.array(JsonObject),
    'Events with their metadata as JSON text; `count`; or a `count` for each group.',
  ),
});

export function addDatalakeRoute(api: Api, { store: { db } }: ApiDependencies): void {
  api.openapi(query, async (c) => {
    const organizationId = c.get('organizationId');
    const { limit, offset, group_by: groupBy, table, ...given } = c.req.valid('query');
    const filters = { ...given, key: given.key ?? table };
    switch (c.req.valid('param').metric) {
      case 'events': {
        const page = { limit: limit ?? limits.defaultAnalyticsPage, offset };
        const items = await listAnalytics(db, organizationId, filters, page);
        const events = items.map(({ date, event }) => ({
          ...event,
          date,
          value: pythonText(event.value),
          metadata: JSON.stringify(event.metadata),
        }));
        return c.json(events, 200);
      }
      case 'events_count':
        return c.json([{ count: await countAnalytics(db, organizationId, filters) }], 200);
      case 'events_count_by_group': {
        // Whoever groups wants all of them, unless he says otherwise.
        const page = { limit: limit ?? limits.analyticsPage, offset };
        const { items } = await groupAnalytics(db, organizationId, filters, groupBy ?? 'value', page);
        const name = groupBy === undefined ? 'payload_value' : 'group_value';
        return c.json(
          items.map(({ value, count }) => ({ [name]: value, count })),
          200,
        );
      }
    }
  });
}
