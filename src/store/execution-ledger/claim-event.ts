import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { prepared } from '../prepared-statements.ts';

/** Claims an event for a workflow run; false where another run owns it. */
export async function claimEvent(db: Database, organizationId: string, id: string, runId: string): Promise<boolean> {
  const { rows } = await sql`
    update conversation_events
    set claimed_by = ${runId}, claimed_at = coalesce(claimed_at, now())
    where id = ${id} and organization_id = ${organizationId} and (claimed_by is null or claimed_by = ${runId})
    returning id
    ${prepared}`.execute(db);
  return rows.length > 0;
}
