import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { RerunInput } from '../contract/rerun.ts';
import { AfterwordError } from '../domain/errors.ts';
import { rerunWorkflowIdOf } from '../domain/event-key.ts';
import { isRequestName } from '../domain/recorded-calls.ts';
import { isFinal } from '../domain/status.ts';
import type { Database } from './database.ts';
import { inTransaction } from './transaction.ts';
import type { CreatedDirectRun } from './direct-runs.ts';
import { isUuid } from './uuid-text.ts';

/** How long the API may take to start it before the relay does. */
const relayAfterMs = 3_000;

export interface CreatedRerun extends CreatedDirectRun {
  readonly rerunOf: string;
  readonly handlerVersion: number;
  /** Ids of the executions whose record answers it, oldest first; empty where it begins a record of its own. */
  readonly answersFrom: readonly string[];
}

/**
 * Creates the waiting execution that runs another one again, on the conversation as that one's event saw it; the
 * caller starts it, else the relay. Of those that answer from one record only one at a time is under way: two would
 * both make what is missing. Throws `execution_not_found`, `not_rerunnable`, `execution_not_ended`,
 * `rerun_under_way`, `record_removed`, `helper_removed`.
 */
export async function createRerun(
  db: Database,
  organizationId: string,
  executionId: string,
  { version, fresh }: RerunInput,
  helperNames: ReadonlySet<string>,
): Promise<CreatedRerun> {
  return await inTransaction(db, async (trx) => {
    const original = await findOriginal(trx, organizationId, executionId);
    const rootId = original.root_id ?? original.id;
    const record = await lockedRecord(trx, organizationId, rootId);
    if (!fresh) {
      refuseSecond(record, original.id);
      refuseWithoutRecord(record, original.id);
    }
    if (version === 'same') {
      refuseRemoved(await recordedNames(trx, organizationId, original.id), original, helperNames);
    }
    const { current_version: newest, version: same } = original;
    const handlerVersion = version === 'newest' ? newest : same;
    const id = uuidv7();
    const workflowId = rerunWorkflowIdOf(organizationId, id);
    const queuedAt = new Date();
    await trx
      .insertInto('executions')
      .columns([
        'id',
        'organization_id',
        'event_id',
        'conversation_id',
        'handler_id',
        'handler_version_id',
        'ordinal',
        'event_type',
        'root_id',
        'rerun_of',
        'workflow_id',
        'queued_at',
        'relay_at',
      ])
      .expression(
        sql<never>`
          select ${id}::uuid, original.organization_id, original.event_id, original.conversation_id,
                 original.handler_id, version.id, original.ordinal, original.event_type, ${fresh ? null : rootId}::uuid, original.id,
                 ${workflowId}, ${queuedAt}::timestamptz, ${new Date(queuedAt.getTime() + relayAfterMs)}::timestamptz
          from executions original
          join handler_versions version
            on version.handler_id = original.handler_id and version.version = ${handlerVersion}::integer
          where original.id = ${original.id} and original.organization_id = ${organizationId}`,
      )
      .execute();
    return {
      organizationId,
      executionId: id,
      workflowId,
      handlerName: original.handler_name,
      eventType: original.type,
      conversationId: original.conversation_id,
      rerunOf: original.id,
      handlerVersion,
      answersFrom: fresh ? [] : record.map((execution) => execution.id),
    };
  });
}

async function findOriginal(db: Database, organizationId: string, id: string) {
  const row = isUuid(id) ? await executionRow(db, organizationId, id) : undefined;
  if (row === undefined) {
    throw new AfterwordError('execution_not_found', `There is no execution "${id.slice(0, 100)}".`);
  }
  const {
    kind,
    status,
    type,
    handler_name,
    current_version,
    version,
    deleted_at: deletedAt,
    erased_at: erasedAt,
    ...rest
  } = row;
  // An event's execution has all of these: the store holds it to that.
  if (kind !== 'event' || type === null || handler_name === null || current_version === null || version === null) {
    throw new AfterwordError('not_rerunnable', `Execution ${row.id} ${notRerunnable[kind]}`);
  }
  if (erasedAt !== null) {
    throw new AfterwordError('not_rerunnable', `The conversation of execution ${row.id} was erased.`);
  }
  if (deletedAt !== null) {
    throw new AfterwordError('not_rerunnable', `The handler of execution ${row.id}, "${handler_name}", was deleted.`);
  }
  if (!isFinal(status)) {
    throw new AfterwordError('execution_not_ended', `Execution ${row.id} is ${status}; it has to end first.`);
  }
  return { ...rest, type, handler_name, current_version, version };
}

async function executionRow(db: Database, organizationId: string, id: string) {
  return await db
    .selectFrom('executions')
    .leftJoin('conversation_events as event', 'event.id', 'executions.event_id')
    .leftJoin('handlers', 'handlers.id', 'executions.handler_id')
    .leftJoin('handler_versions as version', 'version.id', 'executions.handler_version_id')
    .select(['executions.id', 'executions.kind', 'executions.status', 'executions.erased_at', 'executions.root_id'])
    .select(['executions.conversation_id', 'event.type', 'handlers.name as handler_name'])
    .select(['handlers.current_version', 'handlers.deleted_at', 'version.version'])
    .where('executions.organization_id', '=', organizationId)
    .where('executions.id', '=', id)
    .executeTakeFirst();
}

const notRerunnable = {
  event: 'has no handler any more.',
  test: 'is a test run: make another one with `afterword test`.',
  tool: 'is the invocation of a tool, whose credentials are not kept: invoke the tool again.',
} as const;

/** The executions that share a record, oldest first. Until the transaction ends nobody adds another. */
async function lockedRecord(db: Database, organizationId: string, rootId: string) {
  await sql`select id from executions where id = ${rootId} and organization_id = ${organizationId} for update`.execute(
    db,
  );
  return await db
    .selectFrom('executions')
    .select(['id', 'status', 'record_removed_at'])
    .where('organization_id', '=', organizationId)
    .where((where) => where.or([where('id', '=', rootId), where('root_id', '=', rootId)]))
    .orderBy('id')
    .execute();
}

function refuseSecond(record: Awaited<ReturnType<typeof lockedRecord>>, originalId: string): void {
  const running = record.find(({ status }) => !isFinal(status));
  if (running === undefined) return;
  throw new AfterwordError(
    'rerun_under_way',
    `Execution ${running.id} is ${running.status} and runs execution ${originalId} again, from the same record.`,
  );
}

function refuseWithoutRecord(record: Awaited<ReturnType<typeof lockedRecord>>, originalId: string): void {
  const removed = record.find(({ record_removed_at: at }) => at !== null)?.record_removed_at;
  if (removed === undefined || removed === null) return;
  throw new AfterwordError(
    'record_removed',
    `The calls of execution ${originalId} were removed at ${removed.toISOString()}: a re-run would repeat its effects.`,
  );
}

/** Of the helpers that this execution called, its predecessors' answers included. */
async function recordedNames(db: Database, organizationId: string, executionId: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select name from calls where organization_id = ${organizationId} and execution_id = ${executionId}
    union
    select calls.name from replayed_calls join calls on calls.id = replayed_calls.call_id
    where replayed_calls.organization_id = ${organizationId} and replayed_calls.execution_id = ${executionId}
    order by name`.execute(db);
  return rows.map(({ name }) => name).filter((name) => !isRequestName(name));
}

function refuseRemoved(
  names: readonly string[],
  original: { readonly handler_name: string; readonly version: number },
  helperNames: ReadonlySet<string>,
): void {
  const removed = names.find((name) => !helperNames.has(name));
  if (removed === undefined) return;
  throw new AfterwordError(
    'helper_removed',
    `Version ${String(original.version)} of ${original.handler_name} calls ${removed}, which is no helper any more.`,
  );
}
