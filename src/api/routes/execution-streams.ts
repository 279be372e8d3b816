import { createRoute, z } from '@hono/zod-openapi';
import { ExecutionFilterQuery } from '../../contract/execution-filter.ts';
import { invalidRequest } from '../../contract/field-errors.ts';
import { logStart, type LogPosition, readPosition } from '../../domain/log-position.ts';
import { isFinal } from '../../domain/status.ts';
import { executionHead } from '../../store/executions.ts';
import { createExecutionTail } from '../../store/execution-tail.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { liveExecution, liveExecutions } from '../live-executions.ts';
import { needs, orProblem, streamOf } from '../route-parts.ts';

const tags = ['Executions'];
const headerName = 'Last-Event-ID';
const headers = z.object({
  'last-event-id': z.string().optional().meta({ description: 'The `id` of the last event that was read.' }),
});

const list = createRoute({
  method: 'get',
  path: '/executions/stream',
  tags,
  summary: 'Executions as they change, as server-sent events',
  description:
    'An event `execution` for each that begins, runs or ends, as the list shows it; first those that run and those of the ' +
    'last seconds. The filters are those of the list. After a break an execution may come once more as it stands.',
  ...needs('read'),
  request: { query: ExecutionFilterQuery, headers },
  responses: { ...streamOf('Events `execution`.'), ...orProblem },
});

const one = createRoute({
  method: 'get',
  path: '/executions/{id}/logs/stream',
  tags,
  summary: 'What an execution prints and does, as server-sent events',
  description:
    'From its beginning: `output` with `attempt`, `stream` and `text`; `status` and, at last, `end` with the execution; `call` with a ' +
    'call when it is made and when it is answered. With `Last-Event-ID` it goes on where that one was, without loss or repetition.',
  ...needs('read'),
  request: { params: z.object({ id: z.string() }), headers },
  responses: {
    ...streamOf('Events `output`, `status`, `call`, `end`.'),
    204: { description: 'It has ended, and all was read.' },
    ...orProblem,
  },
});

export function addExecutionStreamRoutes(api: Api, { store, eventStreams }: ApiDependencies): void {
  const { db } = store;

  api.openapi(list, async (c) => {
    const organizationId = c.get('organizationId');
    const filter = c.req.valid('query');
    const since = timeFrom(c.req.valid('header')['last-event-id']);
    const tail = createExecutionTail(db, organizationId, filter, since);
    // Before the answer begins: it may still be an error.
    const first = await tail.changed();
    return eventStreams.open(c, (signal) => liveExecutions(tail, first, signal));
  });

  api.openapi(one, async (c) => {
    const organizationId = c.get('organizationId');
    const { id } = c.req.valid('param');
    const position = positionFrom(c.req.valid('header')['last-event-id']);
    const { execution } = await executionHead(db, organizationId, id);
    const { status } = execution;
    if (isFinal(status) && position.status === status) return c.body(null, 204);
    const ended = async () => (await executionHead(db, organizationId, id)).execution;
    return eventStreams.open(c, (signal) => liveExecution(db, { organizationId, id }, position, ended, signal));
  });
}

/** Throws `invalid_request`. */
function positionFrom(lastEventId: string | undefined): LogPosition {
  if (lastEventId === undefined || lastEventId === '') return logStart;
  const position = readPosition(lastEventId);
  if (position === undefined) throw notSent();
  return position;
}

function timeFrom(lastEventId: string | undefined): Date {
  if (lastEventId === undefined || lastEventId === '') return new Date();
  if (!/^\d{1,13}$/.test(lastEventId)) throw notSent();
  return new Date(Number(lastEventId));
}

function notSent(): Error {
  return invalidRequest([{ field: headerName, message: 'is no id that this stream has sent' }], 'headers');
}
