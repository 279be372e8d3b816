import { v7 as uuidv7 } from 'uuid';
import type { JsonObject } from '../contract/json.ts';
import type { ToolInvocationInput } from '../contract/tool-invocation.ts';
import { type StoredToolNamespaces, ToolNamespaces } from '../contract/tool-context.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { NewDirectRun } from './direct-runs.ts';
import { findCurrentVersion } from './handlers.ts';

/** What stands for the type of an event where a tool is invoked. */
const invocationType = 'tool_invocation';

/** How credentials are kept while their invocation runs: sealed for its execution, or as they are. */
export type KeepCredentials = (
  executionId: string,
  credentials: JsonObject,
) => Pick<StoredToolNamespaces, 'credentials' | 'sealedCredentials'>;

/** The run of a saved tool with what it is invoked with. Throws `handler_not_found`, `invalid_handler`. */
export async function toolInvocationOf(
  db: Database,
  organizationId: string,
  name: string,
  input: ToolInvocationInput,
  keep: KeepCredentials = (_executionId, credentials) => ({ credentials }),
): Promise<NewDirectRun> {
  const { handler, versionId } = await findCurrentVersion(db, organizationId, name);
  const { settings } = handler;
  if (handler.language !== 'python') {
    const message = `"${handler.name}" is written in TypeScript; only tools, which are Python, are invoked.`;
    throw new AfterwordError('invalid_handler', message);
  }
  const { parameters, contact, project, credentials } = input;
  const id = uuidv7();
  const context: StoredToolNamespaces = {
    ...keep(id, credentials),
    parameters: Array.isArray(parameters)
      ? Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter.value]))
      : parameters,
    globals: { ...settings.globals, ...input.globals },
    contact,
    project,
    constants: { ...settings.constants, ...input.constants },
  };
  return {
    id,
    kind: 'tool',
    handlerName: handler.name,
    handlerId: handler.id,
    handlerVersionId: versionId,
    conversationId: null,
    eventType: invocationType,
    occurredAt: new Date(),
    contextJson: JSON.stringify(context),
    messageSeq: 0,
    language: handler.language,
    code: handler.code,
    settings,
  };
}

/** Once an invocation has ended its credentials are nobody's business. Does nothing to any other execution. */
export async function forgetCredentials(db: Database, organizationId: string, executionId: string): Promise<void> {
  const run = await db
    .selectFrom('direct_runs')
    .innerJoin('executions', 'executions.id', 'direct_runs.execution_id')
    .select('direct_runs.context')
    .where('direct_runs.organization_id', '=', organizationId)
    .where('direct_runs.execution_id', '=', executionId)
    .where('executions.kind', '=', 'tool')
    .where('executions.finished_at', 'is not', null)
    .executeTakeFirst();
  if (run === undefined) return;
  const context = JSON.stringify({ ...ToolNamespaces.parse(JSON.parse(run.context)), credentials: {} });
  await db
    .updateTable('direct_runs')
    .set({ context })
    .where('organization_id', '=', organizationId)
    .where('execution_id', '=', executionId)
    .execute();
}
