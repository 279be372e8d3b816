import { sql, type RawBuilder } from 'kysely';
import { AnalyticsPayload } from '../contract/analytics.ts';
import type { Database } from './database.ts';

export interface ClaimedEvent {
  readonly id: string;
  readonly organizationId: string;
  readonly executionId: string;
  readonly payload: AnalyticsPayload;
  /** RFC 3339 in UTC, with microseconds. */
  readonly moment: string;
}

interface Row {
  id: string;
  organization_id: string;
  execution_id: string;
  payload: string;
  moment: string;
}

/** What one execution has pending for a sink, for this worker alone for `claimMs`. */
export function claimOfExecution(
  db: Database,
  execution: { readonly organizationId: string; readonly executionId: string },
  sink: string,
  claimMs: number,
): Promise<ClaimedEvent[]> {
  const { organizationId, executionId } = execution;
  return claim(
    db,
    sql`sink = ${sink} and execution_id = ${executionId} and organization_id = ${organizationId}`,
    claimMs,
  );
}

/**
 * What is due for a sink, longest due first, for this worker alone for `claimMs`. The redelivery's: it works for all
 * organisations at once.
 */
export function claimDue(db: Database, sink: string, claimMs: number, limit: number): Promise<ClaimedEvent[]> {
  return claim(db, sql`sink = ${sink} and due_at <= now()`, claimMs, limit);
}

async function claim(
  db: Database,
  which: RawBuilder<unknown>,
  claimMs: number,
  limit: number | null = null,
): Promise<ClaimedEvent[]> {
  const { rows } = await sql<Row>`
    with wanted as (
      select event_id, sink from analytics_deliveries
      where state = 'pending' and (claimed_until is null or claimed_until < now()) and ${which}
      order by due_at, event_id
      limit ${limit}::integer
      for update skip locked
    ), claimed as (
      update analytics_deliveries delivery
      set claimed_until = now() + ${claimMs}::double precision * interval '1 millisecond', tries = tries + 1
      from wanted
      where delivery.event_id = wanted.event_id and delivery.sink = wanted.sink
      returning delivery.event_id
    )
    select event.id, event.organization_id, event.execution_id, event.payload,
           to_char(event.moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as moment
    from claimed join analytics_events event on event.id = claimed.event_id
    order by event.execution_id, event.ordinal`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    organizationId: row.organization_id,
    executionId: row.execution_id,
    payload: AnalyticsPayload.parse(JSON.parse(row.payload)),
    moment: row.moment,
  }));
}

export type DeliveryOutcome =
  | { readonly id: string; readonly outcome: 'delivered' }
  /** `refused`: the sink will never take it; `failed`: it may later; `untried`: nothing was sent. */
  | { readonly id: string; readonly outcome: 'refused' | 'failed'; readonly error: string }
  | { readonly id: string; readonly outcome: 'untried' };

/** Records what came of claimed deliveries and gives them back. What was delivered once stays so. */
export async function recordDeliveries(
  db: Database,
  sink: string,
  outcomes: readonly DeliveryOutcome[],
  { againInMs, deadAfterMs }: { readonly againInMs: number; readonly deadAfterMs: number },
): Promise<void> {
  const ends = outcomes.map((end) => ({ id: end.id, outcome: end.outcome, error: 'error' in end ? end.error : null }));
  await sql`
    update analytics_deliveries delivery
    set state = case
          when ended.outcome = 'delivered' then 'delivered'
          when ended.outcome = 'refused' then 'dead'
          when ended.outcome = 'failed'
            and delivery.created_at <= now() - ${deadAfterMs}::double precision * interval '1 millisecond' then 'dead'
          else 'pending' end,
        tries = case when ended.outcome = 'untried' then delivery.tries - 1 else delivery.tries end,
        error = coalesce(ended.error, delivery.error),
        delivered_at = case when ended.outcome = 'delivered' then now() end,
        due_at = greatest(delivery.due_at, now() + ${againInMs}::double precision * interval '1 millisecond'),
        claimed_until = null
    from json_to_recordset(${JSON.stringify(ends)}::json) as ended (id uuid, outcome text, error text)
    where delivery.event_id = ended.id and delivery.sink = ${sink} and delivery.state = 'pending'`.execute(db);
}

/** How many deliveries of one execution have not come to an end, without those to sinks that are switched off. */
export async function countPending(db: Database, organizationId: string, executionId: string): Promise<number> {
  const { pending } = await db
    .selectFrom('analytics_deliveries')
    .select((select) => select.fn.countAll<number>().as('pending'))
    .where('organization_id', '=', organizationId)
    .where('execution_id', '=', executionId)
    .where('state', '=', 'pending')
    .where(({ exists, not, selectFrom }) =>
      not(
        exists(
          selectFrom('analytics_sinks')
            .select('id')
            .whereRef('analytics_sinks.id', '=', 'analytics_deliveries.sink')
            .where('enabled', '=', false),
        ),
      ),
    )
    .executeTakeFirstOrThrow();
  return pending;
}

/** Gives up what waits for sinks that are no longer there. For all organisations at once. */
export async function buryOrphans(db: Database, sinks: readonly string[], deadAfterMs: number): Promise<void> {
  await sql`
    update analytics_deliveries
    set state = 'dead', error = coalesce(error, 'There is no sink ' || sink || ' any more.')
    where state = 'pending' and created_at <= now() - ${deadAfterMs}::double precision * interval '1 millisecond'
      and sink not in (select * from json_array_elements_text(${JSON.stringify(sinks)}::json))
      and not exists (select 1 from analytics_sinks known where known.id = sink and known.deleted_at is null)`.execute(
    db,
  );
}
