import { createRoute, z } from '@hono/zod-openapi';
import { RerunInput, RerunSetInput, StartedRerun, StartedRerunSet } from '../../contract/rerun.ts';
import { createReruns } from '../../store/rerun-sets.ts';
import { createRerun } from '../../store/reruns.ts';
import { audited, nothingChanged } from '../audit.ts';
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

const rerunSet = createRoute({
  method: 'post',
  path: '/executions/rerun',
  tags: ['Executions'],
  summary: 'Run all that a filter matches again',
  description:
    'At most 1,000, oldest first, spread over time. Send it with `dryRun` first: that says how many. Left alone is what has ' +
    'a re-run under way or one that succeeded, so the same request twice doubles nothing.',
  ...needs('write', { starts: true }),
  request: { body: bodyOf(RerunSetInput) },
  responses: {
    200: jsonOf(StartedRerunSet, 'Of a dry run: what would be run again.'),
    202: jsonOf(StartedRerunSet, 'They are written down and start in turn.'),
    ...orProblem,
  },
});

export function addRerunRoutes(api: Api, { store, startRerunSoon, helperNames }: ApiDependencies): void {
  api.openapi(rerunSet, async (c) => {
    const input = c.req.valid('json');
    const set = await createReruns(store.db, c.get('organizationId'), input, helperNames);
    if (input.dryRun) nothingChanged(c);
    return input.dryRun ? c.json(set, 200) : c.json(set, 202);
  });

  api.openapi(rerun, async (c) => {
    const { id } = c.req.valid('param');
    const input = c.req.valid('json');
    const created = await audited(
      c,
      (trx) => createRerun(trx, c.get('organizationId'), id, input, helperNames),
      ({ executionId: newId }) => ({ summary: { executionId: newId, version: input.version, fresh: input.fresh } }),
    );
    await startRerunSoon(created);
    const { executionId, workflowId, rerunOf, handlerVersion, answersFrom } = created;
    c.header('Location', `/api/v1/executions/${executionId}`);
    return c.json(
      { executionId, workflowId, rerunOf, handlerVersion, fresh: input.fresh, answersFrom: [...answersFrom] },
      202,
    );
  });
}
