import { createRoute, z } from '@hono/zod-openapi';
import type { ExecutionDetail } from '../../contract/execution.ts';
import { JsonObject } from '../../contract/json.ts';
import { ToolInvocation, ToolInvocationInput } from '../../contract/tool-invocation.ts';
import { isFinal } from '../../domain/status.ts';
import type { Keyring } from '../../secrets/keyring.ts';
import { type KeepCredentials, toolInvocationOf } from '../../store/tool-invocations.ts';
import type { Api, ApiDependencies } from '../environment.ts';
import { answers, bodyOf, jsonOf, needs } from '../route-parts.ts';

const invoke = createRoute({
  method: 'post',
  path: '/tools/{name}/invocations',
  tags: ['Tools'],
  summary: 'Invoke a saved tool, without an event or a conversation',
  description:
    'Runs the current version of a handler that is a `Tool` of the Weni toolkit and answers what the toolkit does. A tool ' +
    'that fails is an answer, not an error: see its `status`, `reason` and `error`.',
  ...needs('write', { starts: true }),
  request: { params: z.object({ name: z.string() }), body: bodyOf(ToolInvocationInput) },
  responses: {
    ...answers(ToolInvocation, 'It has ended, well or badly.'),
    202: jsonOf(ToolInvocation, 'It goes on after `waitSeconds`: read it by its id, GET /executions/{id}.'),
  },
});

export function addToolRoute(api: Api, { store, keys, runDirectly }: ApiDependencies): void {
  api.openapi(invoke, async (c) => {
    const organizationId = c.get('organizationId');
    const input = c.req.valid('json');
    const { name } = c.req.valid('param');
    const run = await toolInvocationOf(store.db, organizationId, name, input, keeper(keys, organizationId));
    const waiting = { ms: Math.round(input.waitSeconds * 1_000), signal: c.req.raw.signal };
    const execution = await runDirectly(organizationId, run, waiting);
    return c.json(toToolInvocation(execution), isFinal(execution.status) ? 200 : 202);
  });
}

function keeper(keys: Keyring, organizationId: string): KeepCredentials {
  return (executionId, credentials) => {
    if (keys.keyId === null || Object.keys(credentials).length === 0) return { credentials };
    const sealed = keys.seal(JSON.stringify(credentials), ['credentials', organizationId, executionId]);
    return { credentials: {}, sealedCredentials: sealed };
  };
}

const Answer = z.object({ result: JsonObject, format: JsonObject });

function toToolInvocation(execution: ExecutionDetail): ToolInvocation {
  const { id, status, reason, error, attempts } = execution;
  const succeeded = status === 'succeeded';
  const answer = succeeded ? Answer.parse(execution.result) : { result: null, format: null };
  const events = execution.analyticsEvents.filter(({ attempt }) => succeeded && attempt === attempts);
  return { executionId: id, status, reason, error, ...answer, events: events.map(({ registered }) => registered) };
}
