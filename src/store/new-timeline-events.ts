import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { TimelineEvent } from '../contract/conversation.ts';
import type { TimelineEventInput } from '../contract/timeline-event.ts';
import { toTimelineEvent, type TimelineEventRow } from './conversation-rows.ts';
import type { Database } from './database.ts';

export interface WrittenTimelineEvent {
  /** The sender's, else ours. */
  readonly id: string;
  readonly event: TimelineEvent;
  /** An event with this id was there already: it stays as it was, and this is it. */
  readonly duplicate: boolean;
}

/** All of them or none, in the order given. The same id twice, here or ever, is one event. */
export async function writeTimelineEvents(
  db: Database,
  organizationId: string,
  inputs: readonly TimelineEventInput[],
): Promise<WrittenTimelineEvent[]> {
  const given = inputs.map((input) => ({
    ...input,
    external_id: input.id ?? null,
    id: uuidv7(),
    timestamp: new Date(input.timestamp).toISOString(),
    attributes: input.attributes ? JSON.stringify(input.attributes) : null,
  }));
  const { rows: added } = await sql<TimelineEventRow>`
    insert into timeline_events (id, organization_id, external_id, timestamp, session_id, conversation_id, source,
                                 source_id, category, type, user_id, description, attributes)
    select id, ${organizationId}, external_id, timestamp, session_id, conversation_id, source, source_id, category, type,
           user_id, description, attributes
    from json_to_recordset(${JSON.stringify(given)}::json) as given (id uuid, external_id text, timestamp timestamptz,
      session_id text, conversation_id text, source text, source_id text, category text, type text, user_id text,
      description text, attributes text)
    on conflict (organization_id, external_id) where external_id is not null do nothing
    returning *`.execute(db);
  const byId = new Map(added.map((row) => [row.id, row]));
  const missing = given.flatMap(({ id, external_id }) => (byId.has(id) || external_id === null ? [] : [external_id]));
  // A statement of its own: it sees what another one, which the insertion waited for, has written.
  const known = missing.length === 0 ? [] : await knownEvents(db, organizationId, missing);
  const byExternalId = new Map(known.map((row) => [row.external_id, row]));
  return given.map(({ id, external_id: externalId }) => {
    const row = byId.get(id) ?? byExternalId.get(externalId);
    if (row === undefined) throw new Error(`timeline event ${String(externalId)} is neither new nor known`);
    return { id: externalId ?? id, event: toTimelineEvent(row), duplicate: !byId.has(id) };
  });
}

async function knownEvents(db: Database, organizationId: string, ids: readonly string[]): Promise<TimelineEventRow[]> {
  return await db
    .selectFrom('timeline_events')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('external_id', 'in', ids)
    .execute();
}
