import type { Database } from './database.ts';

/** Ids of an event's own executions in their order, without those that were run again later. */
export async function executionsOfEvent(db: Database, organizationId: string, eventId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('executions')
    .select('id')
    .where('organization_id', '=', organizationId)
    .where('event_id', '=', eventId)
    .where('rerun_of', 'is', null)
    .orderBy('ordinal')
    .execute();
  return rows.map(({ id }) => id);
}
