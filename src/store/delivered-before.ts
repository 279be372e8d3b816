import { sql } from 'kysely';
import type { Database } from './database.ts';

export interface DeliveredBefore {
  /** Order among its attempt's events, from 0. */
  readonly ordinal: number;
  /** JSON, as the handler registered it. */
  readonly registered: string;
  readonly sink: string;
}

/**
 * What the executions that share a record with this one have delivered, or are about to: nothing of it is sent twice. What
 * a sink never took is not among it.
 */
export async function deliveredBefore(
  db: Database,
  { organizationId, executionId }: { readonly organizationId: string; readonly executionId: string },
  rootId: string,
): Promise<DeliveredBefore[]> {
  const { rows } = await sql<DeliveredBefore>`
    select event.ordinal, event.registered, delivery.sink
    from executions execution
    join analytics_events event on event.execution_id = execution.id
    join analytics_deliveries delivery on delivery.event_id = event.id
    where execution.organization_id = ${organizationId} and execution.id <> ${executionId}
      and (execution.id = ${rootId} or execution.root_id = ${rootId}) and delivery.state <> 'dead'`.execute(db);
  return rows;
}
