import { type RawBuilder, sql } from 'kysely';
import type { ExecutionFilter } from '../contract/execution-filter.ts';
import type { ExecutionStatus } from '../domain/status.ts';
import type { Database } from './database.ts';
import { searchable } from './error-text.ts';
import { isUuid } from './uuid-text.ts';

/** Conditions on the table `executions`, aliased `execution`; null where nothing can match. */
export interface Matching {
  readonly where: RawBuilder<boolean>;
  /** One of these, apart: each has its own place in the index. Undefined: whatever status. */
  readonly statuses: readonly ExecutionStatus[] | undefined;
}

const badly: readonly ExecutionStatus[] = ['failed', 'timed_out'];

/** Ids are made when an execution is queued, give or take clocks: so the index by id serves a range of time. */
const idSlackMs = 10 * 60_000;

/**
 * The filter as conditions that an index serves each. Names are looked up first: with one value the planner knows what
 * it looks for (200,000 executions of which none is this handler's take 4 ms so, by a join 250 ms).
 */
export async function matchingExecutions(
  db: Database,
  organizationId: string,
  filter: ExecutionFilter,
): Promise<Matching | null> {
  const { kind, reason, handler, eventType, event, conversation, from, to, error } = filter;
  if (event !== undefined && !isUuid(event)) return null;
  // Written out, not handed over as a value: only so the planner sees that an index of the one or the other sort holds.
  const conditions = [
    sql`execution.organization_id = ${organizationId}`,
    kind === 'test' ? sql`execution.kind = 'test'` : sql`execution.kind <> 'test'`,
  ];
  if (kind !== undefined && kind !== 'test') conditions.push(sql`execution.kind = ${kind}`);
  if (reason !== undefined) conditions.push(sql`execution.reason = ${reason}`);
  if (eventType !== undefined) conditions.push(sql`execution.event_type = ${eventType}`);
  if (event !== undefined) conditions.push(sql`execution.event_id = ${event}::uuid`);
  if (error !== undefined) conditions.push(sql`position(${searchable(error)} in execution.error_text) > 0`);
  if (error !== undefined) conditions.push(sql`execution.error_text is not null`);
  if (from !== undefined)
    conditions.push(sql`execution.queued_at >= ${new Date(from)}`, idFrom('>=', from, -idSlackMs));
  if (to !== undefined) conditions.push(sql`execution.queued_at < ${new Date(to)}`, idFrom('<', to, idSlackMs));
  if (handler !== undefined) {
    const id = await handlerId(db, organizationId, handler);
    if (id === undefined) return null;
    conditions.push(sql`execution.handler_id = ${id}::uuid`);
  }
  if (conversation !== undefined) {
    const id = await conversationId(db, organizationId, conversation);
    if (id === undefined) return null;
    conditions.push(sql`execution.conversation_id = ${id}::uuid`);
  }
  const statuses = statusesOf(filter);
  if (statuses?.length === 0) return null;
  return { where: sql.join(conditions, sql` and `), statuses };
}

/** Ids of what matches, newest first: a statement to be a part of another. */
export function newestIds(
  { where, statuses }: Matching,
  { limit, before }: { readonly limit: number; readonly before?: string | undefined },
): RawBuilder<{ id: string }> {
  const after = before === undefined ? sql`` : sql` and execution.id < ${before}::uuid`;
  const newest = (status: RawBuilder<unknown>) =>
    sql`(select execution.id from executions execution where ${where}${after}${status}
      order by execution.id desc limit ${limit})`;
  if (statuses === undefined) return sql`${newest(sql``)}`;
  // Each status from its own place in the index, and of these the newest: one condition on several would read them all.
  const branches = statuses.map((status) => newest(sql` and execution.status = ${status}`));
  const [only, ...more] = branches;
  if (only !== undefined && more.length === 0) return sql`${only}`;
  return sql`(select id from (${sql.join(branches, sql` union all `)}) found order by id desc limit ${limit})`;
}

/** How many match, exactly. */
export async function countExecutions(db: Database, { where, statuses }: Matching): Promise<number> {
  const among = statuses === undefined ? sql`` : sql` and execution.status in (${sql.join([...statuses])})`;
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from executions execution where ${where}${among}`.execute(db);
  return rows[0]?.count ?? 0;
}

function statusesOf({ status, failed }: ExecutionFilter): readonly ExecutionStatus[] | undefined {
  if (status === undefined) return failed === true ? badly : undefined;
  return [...new Set(status)].filter((one) => failed !== true || badly.includes(one));
}

function idFrom(operator: '<' | '>=', time: string, slackMs: number): RawBuilder<unknown> {
  return sql`execution.id ${sql.raw(operator)} ${firstIdOf(new Date(new Date(time).getTime() + slackMs))}::uuid`;
}

/** No id that was made at this time or later is smaller. */
export function firstIdOf(time: Date): string {
  const hex = Math.max(time.getTime(), 0).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** Of the handler that has the name now; else of the last that had it. */
async function handlerId(db: Database, organizationId: string, nameOrId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('handlers')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where((where) =>
      isUuid(nameOrId)
        ? where.or([where('name', '=', nameOrId), where('id', '=', nameOrId)])
        : where('name', '=', nameOrId),
    )
    .orderBy(sql`deleted_at desc nulls first`)
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

async function conversationId(db: Database, organizationId: string, idOrPublicId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('conversations')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where((where) =>
      isUuid(idOrPublicId)
        ? where.or([where('public_id', '=', idOrPublicId), where('id', '=', idOrPublicId)])
        : where('public_id', '=', idOrPublicId),
    )
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}
