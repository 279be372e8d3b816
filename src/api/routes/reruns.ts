import { createRoute, z } from '@hono/zod-openapi';
import { RerunInput, StartedRerun } from '../../contract/rerun.ts';
import { createRerun } from '../../store/reruns.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { bodyOf, jsonOf, orProblem, needs } from '../route-parts.ts';

const rerun = createRoute({
  method: 'post',
  path: '/executions/{id}/rerun',
  tags: ['Executions'],
  summary: 'Run an execution that has ended again',
  description:
    'Makes a new execution of the same handler on the conversation as the event saw it. What was answered before is ' +
    'answered from the record; only what is missing is done. With `fresh` everything is done again, effects included.',
  ...needs('write', { starts: true }),
  request: { params: z.object({ id: z.string() }), body: bodyOf(RerunInput) },
  responses: {
    202: {
      ...jsonOf(StartedRerun, 'It is written down and runs, or will: read it by its id, GET /executions/{id}.'),
      headers: z.object({ Location: z.string().meta({ description: 'Path of the new execution.' }) }),
    },
    ...orProblem,
  },
});

export function addRerunRoute(api: Api, { store, startRerunSoon, helperNames }: ApiDependencies): void {
  api.openapi(rerun, async (c) => {
    const { id } = c.req.valid('param');
    const input = c.req.valid('json');
    const created = await createRerun(store.db, c.get('organizationId'), id, input, helperNames);
    await startRerunSoon(created);
    const { executionId, workflowId, rerunOf, handlerVersion, answersFrom } = created;
    c.header('Location', `/api/v1/executions/${executionId}`);
    return c.json(
      { executionId, workflowId, rerunOf, handlerVersion, fresh: input.fresh, answersFrom: [...answersFrom] },
      202,
    );
  });
}
