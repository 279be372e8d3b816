import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { RerunSetInput, StartedRerunSet } from '../contract/rerun.ts';
import { AfterwordError } from '../domain/errors.ts';
import { rerunWorkflowIdOf } from '../domain/event-key.ts';
import { limits } from '../domain/limits.ts';
import { chooseReruns, type NotTakenReason, type RerunSet } from '../domain/rerun-set.ts';
import type { ExecutionStatus } from '../domain/status.ts';
import type { Database } from './database.ts';
import { countExecutions, type Matching, matchingExecutions, newestIds } from './matching-executions.ts';

const examplesShown = 5;

/**
 * Runs what the filter matches again, at most `limits.rerunsPerRequest`, oldest first and `ratePerMinute` of them: the relay
 * starts each when its time has come. All are written down or none. What has a re-run under way, or one that succeeded, is
 * left alone, so the same request twice doubles nothing. Throws `too_many_executions`; a dry run writes nothing.
 */
export async function createReruns(
  db: Database,
  organizationId: string,
  input: RerunSetInput,
  helperNames: ReadonlySet<string>,
): Promise<StartedRerunSet> {
  const matching = await matchingExecutions(db, organizationId, input.filter);
  const matched = matching === null ? 0 : await countExecutions(db, matching);
  if (matching === null || matched === 0) return answer(input, 0, { taken: [], notTaken: new Map() }, []);
  if (matched > limits.rerunsPerRequest) {
    if (input.dryRun) return answer(input, matched, { taken: [], notTaken: new Map() }, [], ['too_many', matched]);
    const most = String(limits.rerunsPerRequest);
    throw new AfterwordError('too_many_executions', `The filter matches ${String(matched)}; at most ${most} may be.`);
  }
  if (input.dryRun) {
    const set = await choose(db, organizationId, await idsOf(db, matching), input, helperNames);
    return answer(input, matched, set, []);
  }
  return await db.transaction().execute(async (trx) => {
    const ids = await idsOf(trx, matching);
    await lockRecords(trx, organizationId, ids);
    const set = await choose(trx, organizationId, ids, input, helperNames);
    const { ratePerMinute } = input;
    const now = Date.now();
    const items = set.taken.map(({ id }, index) => ({
      executionId: uuidv7(),
      rerunOf: id,
      startsAt: new Date(now + (index * 60_000) / ratePerMinute).toISOString(),
    }));
    await insertReruns(trx, organizationId, items, input);
    return answer(input, ids.length, set, items);
  });
}

async function idsOf(db: Database, matching: Matching): Promise<string[]> {
  const { rows } = await newestIds(matching, { limit: limits.rerunsPerRequest }).execute(db);
  return rows.map(({ id }) => id);
}

/** Until the transaction ends nobody adds to the records of these. */
async function lockRecords(db: Database, organizationId: string, ids: readonly string[]): Promise<void> {
  await sql`
    select id from executions
    where organization_id = ${organizationId}
      and id in (select coalesce(root_id, id) from executions
                 where organization_id = ${organizationId} and id = any(${ids}::uuid[]))
    order by id for update`.execute(db);
}

interface CandidateRow {
  readonly id: string;
  readonly record_id: string;
  readonly rerunnable: boolean;
  readonly status: ExecutionStatus;
  readonly related: ExecutionStatus[];
  readonly succeeded_since: boolean;
  readonly record_removed: boolean;
  readonly calls_removed: boolean;
}

async function choose(
  db: Database,
  organizationId: string,
  ids: readonly string[],
  { version, fresh }: RerunSetInput,
  helperNames: ReadonlySet<string>,
): Promise<RerunSet> {
  const names = [...helperNames];
  const { rows } = await sql<CandidateRow>`
    with wanted as (
      select executions.*, coalesce(root_id, id) as record_id
      from executions where organization_id = ${organizationId} and id = any(${ids}::uuid[])
    ), related as (
      -- Three joins of one index each: one on all three conditions reads every execution for each.
      select wanted.id as of_id, later.id, later.status, later.record_removed_at
      from wanted join executions later on later.root_id = wanted.record_id
      where later.organization_id = ${organizationId} and later.id <> wanted.id
      union
      select wanted.id, later.id, later.status, later.record_removed_at
      from wanted join executions later on later.id = wanted.record_id
      where later.organization_id = ${organizationId} and later.id <> wanted.id
      union
      -- A fresh re-run has a record of its own: what became of that one is nothing to it.
      select wanted.id, later.id, later.status, null
      from wanted join executions later on later.rerun_of = wanted.id
      where later.organization_id = ${organizationId}
    )
    select wanted.id, wanted.record_id, wanted.status,
           wanted.kind = 'event' and handlers.id is not null and handlers.deleted_at is null
             and wanted.erased_at is null as rerunnable,
           array(select status from related where of_id = wanted.id) as related,
           exists (select 1 from related where of_id = wanted.id and id > wanted.id and status = 'succeeded')
             as succeeded_since,
           ${!fresh}::boolean and (wanted.record_removed_at is not null
             or exists (select 1 from related where of_id = wanted.id and record_removed_at is not null)) as record_removed,
           ${version === 'same'}::boolean and exists (
             select 1 from calls
             where calls.organization_id = ${organizationId} and calls.execution_id = wanted.id
               and position(' ' in calls.name) = 0 and calls.name <> all(${names}::text[])
             union all
             select 1 from replayed_calls replayed join calls on calls.id = replayed.call_id
             where replayed.organization_id = ${organizationId} and replayed.execution_id = wanted.id
               and position(' ' in calls.name) = 0 and calls.name <> all(${names}::text[])
           ) as calls_removed
    from wanted left join handlers on handlers.id = wanted.handler_id
    order by wanted.id`.execute(db);
  return chooseReruns(
    rows.map((row) => ({
      id: row.id,
      recordId: row.record_id,
      rerunnable: row.rerunnable,
      status: row.status,
      related: row.related,
      succeededSince: row.succeeded_since,
      recordRemoved: row.record_removed,
      callsRemoved: row.calls_removed,
    })),
  );
}

async function insertReruns(
  db: Database,
  organizationId: string,
  items: StartedRerunSet['items'],
  { version, fresh }: RerunSetInput,
): Promise<void> {
  const rows = items.map((item) => ({ ...item, workflowId: rerunWorkflowIdOf(organizationId, item.executionId) }));
  await sql`
    insert into executions (id, organization_id, event_id, conversation_id, handler_id, handler_version_id, ordinal,
      event_type, root_id, rerun_of, workflow_id, queued_at, relay_at)
    select item."executionId", original.organization_id, original.event_id, original.conversation_id,
           original.handler_id, version.id, original.ordinal, original.event_type,
           case when ${fresh}::boolean then null else coalesce(original.root_id, original.id) end, original.id,
           item."workflowId", ${new Date()}::timestamptz, item."startsAt"
    from json_to_recordset(${JSON.stringify(rows)}::json)
      as item ("executionId" uuid, "rerunOf" uuid, "workflowId" text, "startsAt" timestamptz)
    join executions original on original.id = item."rerunOf" and original.organization_id = ${organizationId}
    join handlers on handlers.id = original.handler_id
    join handler_versions version on case when ${version === 'newest'}::boolean
      then version.handler_id = handlers.id and version.version = handlers.current_version
      else version.id = original.handler_version_id end`.execute(db);
}

function answer(
  { dryRun }: RerunSetInput,
  matched: number,
  { taken, notTaken }: RerunSet,
  items: StartedRerunSet['items'],
  tooMany?: [NotTakenReason, number],
): StartedRerunSet {
  const reasons = [...notTaken].map(([reason, ids]) => ({
    reason,
    count: ids.length,
    examples: ids.slice(0, examplesShown),
  }));
  const more = tooMany === undefined ? [] : [{ reason: tooMany[0], count: tooMany[1], examples: [] }];
  return { dryRun, matched, taken: taken.length, notTaken: [...reasons, ...more], items };
}
