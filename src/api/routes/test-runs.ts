import { createRoute } from '@hono/zod-openapi';
import { ExecutionDetail } from '../../contract/execution.ts';
import { TestRunInput } from '../../contract/test-run.ts';
import { logStart } from '../../domain/log-position.ts';
import { isFinal } from '../../domain/status.ts';
import { getExecution } from '../../store/executions.ts';
import { testRunOf } from '../../store/test-runs.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { refuseNoCode } from '../handler-code.ts';
import { liveExecution } from '../live-executions.ts';
import { answers, bodyOf, jsonOf, needs, orProblem, streamOf } from '../route-parts.ts';

const run = createRoute({
  method: 'post',
  path: '/test-runs',
  tags: ['Test runs'],
  summary: 'Run code once against a stored conversation, without any effect on it',
  description:
    'Runs saved or unsaved code as an event of that type would, once, on the conversation as it is now. No other handler ' +
    'runs; tags, metadata and timeline events are answered as if written, and are not. Outgoing requests are made. ' +
    'Code that fails is an answer, not an error: see its `status`, `reason` and `error`.',
  ...needs('write', { starts: true }),
  request: { body: bodyOf(TestRunInput) },
  responses: {
    ...answers(ExecutionDetail, 'It has ended, well or badly.'),
    202: jsonOf(ExecutionDetail, 'It goes on after `waitSeconds`: read it by its id, GET /executions/{id}.'),
  },
});

const stream = createRoute({
  method: 'post',
  path: '/test-runs/stream',
  tags: ['Test runs'],
  summary: 'The same, with what it prints while it runs, as server-sent events',
  description:
    'The events of GET /executions/{id}/logs/stream, where a reader that was cut off goes on; `end` has the execution with output, ' +
    'attempts and calls. `waitSeconds` says nothing here. A reader that goes away changes nothing for the run.',
  ...needs('write'),
  request: { body: bodyOf(TestRunInput) },
  responses: { ...streamOf('Events `output`, `status`, `call`, `end`.'), ...orProblem },
});

export function addTestRunRoutes(api: Api, { store, runDirectly, startDirectly, eventStreams }: ApiDependencies): void {
  api.openapi(stream, async (c) => {
    const organizationId = c.get('organizationId');
    const input = c.req.valid('json');
    if (input.code !== undefined) refuseNoCode(input.code);
    const place = eventStreams.reserve(organizationId);
    try {
      const created = await startDirectly(organizationId, await testRunOf(store.db, organizationId, input));
      const { executionId: id } = created;
      const ended = () => getExecution(store.db, organizationId, id);
      return place.open(c, (signal) => liveExecution(store.db, { organizationId, id }, logStart, ended, signal));
    } catch (error) {
      place.giveBack();
      throw error;
    }
  });

  api.openapi(run, async (c) => {
    const organizationId = c.get('organizationId');
    const input = c.req.valid('json');
    if (input.code !== undefined) refuseNoCode(input.code);
    const waiting = { ms: Math.round(input.waitSeconds * 1_000), signal: c.req.raw.signal };
    const execution = await runDirectly(organizationId, await testRunOf(store.db, organizationId, input), waiting);
    return isFinal(execution.status) ? c.json(execution, 200) : c.json(execution, 202);
  });
}
