import { createRoute, z } from '@hono/zod-openapi';
import { Execution, ExecutionDetail } from '../../contract/execution.ts';
import { ExecutionFilterQuery } from '../../contract/execution-filter.ts';
import { ExecutionStatistics, StatisticsQuery } from '../../contract/execution-statistics.ts';
import { AfterwordError } from '../../domain/errors.ts';
import { executionStatistics } from '../../store/execution-statistics.ts';
import { getExecution, listExecutions, readLogs, totalOfExecutions } from '../../store/executions.ts';
import { isUuid } from '../../store/uuid-text.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { listOf, PageQuery, pageOf } from '../lists.ts';
import { answers, jsonOf, orProblem, needs } from '../route-parts.ts';

const tags = ['Executions'];
const params = z.object({ id: z.string() });

const ExecutionQuery = PageQuery.extend(ExecutionFilterQuery.shape).extend({
  total: z.enum(['true', 'false']).optional().meta({ description: '`true`: says how many there are on all pages.' }),
});

const ExecutionList = listOf(Execution, 'ExecutionPage')
  .extend({
    total: z.number().int().optional().meta({ description: 'Only where it was asked for; exact.' }),
  })
  .meta({ id: 'ExecutionList' });

const ExecutionLogs = z
  .object({ attempt: z.number().int(), stdout: z.string(), stderr: z.string() })
  .meta({ id: 'ExecutionLogs' });

const LogsQuery = z.strictObject({
  attempt: z
    .string()
    .regex(/^[1-9]\d{0,5}$/, 'the number of an attempt')
    .transform(Number)
    .optional()
    .meta({ type: 'integer', description: 'From 1; left out: the newest.' }),
});

const list = createRoute({
  method: 'get',
  path: '/executions',
  tags,
  summary: 'List executions, newest first',
  ...needs('read'),
  request: { query: ExecutionQuery },
  responses: answers(ExecutionList, 'A page of executions.'),
});

const statistics = createRoute({
  method: 'get',
  path: '/executions/statistics',
  tags,
  summary: 'How many ended how, and how long they took, over time',
  description: 'For charts: a bucket for each interval of the range, of all handlers together and of each.',
  ...needs('read'),
  request: { query: StatisticsQuery },
  responses: answers(ExecutionStatistics, 'The buckets, oldest first; those without executions too.'),
});

const get = createRoute({
  method: 'get',
  path: '/executions/{id}',
  tags,
  summary: 'One execution with its output, attempts and calls',
  ...needs('read'),
  request: { params },
  responses: answers(ExecutionDetail, 'The execution.'),
});

const logs = createRoute({
  method: 'get',
  path: '/executions/{id}/logs',
  tags,
  summary: 'The output of one attempt so far',
  ...needs('read'),
  request: { params, query: LogsQuery },
  responses: answers(ExecutionLogs, 'The output, also of an attempt that still runs or was killed.'),
});

const cancel = createRoute({
  method: 'post',
  path: '/executions/{id}/cancel',
  tags,
  summary: 'Cancel one execution',
  description:
    'Waiting, delayed or running: it ends as cancelled, the others of its event go on. Calls in flight are finished and ' +
    'recorded, new ones refused.',
  ...needs('write'),
  request: { params },
  responses: {
    200: jsonOf(Execution, 'Nothing ran it; it has been cancelled.'),
    202: jsonOf(Execution, 'As it stands; it ends within seconds.'),
    ...orProblem,
  },
});

export function addExecutionRoutes(api: Api, { store, cancelling }: ApiDependencies): void {
  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    const { limit, before, total, ...filter } = c.req.valid('query');
    const find = (at: { limit: number; before?: string }) =>
      listExecutions(store.db, organizationId, { ...at, ...filter });
    const page = await pageOf({ limit, before }, find);
    if (total !== 'true') return c.json(page, 200);
    return c.json({ ...page, total: await totalOfExecutions(store.db, organizationId, filter) }, 200);
  });

  api.openapi(statistics, async (c) =>
    c.json(await executionStatistics(store.db, c.get('organizationId'), c.req.valid('query')), 200),
  );

  api.openapi(get, async (c) => {
    const { id } = c.req.valid('param');
    requireExecutionId(id);
    return c.json(await getExecution(store.db, c.get('organizationId'), id), 200);
  });

  api.openapi(logs, async (c) => {
    const { id } = c.req.valid('param');
    requireExecutionId(id);
    const { attempt } = c.req.valid('query');
    return c.json(await readLogs(store.db, c.get('organizationId'), id, attempt), 200);
  });

  api.openapi(cancel, async (c) => {
    const { id } = c.req.valid('param');
    requireExecutionId(id);
    const { asked, execution } = await cancelling.execution(c.get('organizationId'), id);
    return c.json(Execution.parse(execution), asked ? 202 : 200);
  });
}

function requireExecutionId(id: string): void {
  if (!isUuid(id)) throw new AfterwordError('execution_not_found', `There is no execution "${id.slice(0, 100)}".`);
}
