import { z } from 'zod';
import { sql } from 'kysely';
import type { News, PinnedExecution } from '../contract/workflow.ts';
import type { Database } from './database.ts';
import { toPinnedExecution } from './pinned-execution.ts';
import { newsOf, waitingFor } from './waiting-executions.ts';

export interface UnclaimedEvent {
  readonly id: string;
  readonly organizationId: string;
  readonly type: string;
  readonly conversationId: string;
  readonly workflowId: string;
  readonly executions: PinnedExecution[];
  /** Whom to tell of it. */
  readonly news?: News;
}

const Executions = z.array(
  z.object({
    executionId: z.string(),
    handlerName: z.string(),
    runsAt: z.coerce.date().nullable(),
    cancelOn: z.array(z.string()).nullable(),
  }),
);

const columns = {
  organizationId: sql.ref('event.organization_id'),
  conversationId: sql.ref('event.conversation_id'),
  type: sql.ref('event.type'),
};

/**
 * Events that no workflow run has taken up by `now`, those that wait longest first. The relay's: it works for all
 * organisations at once.
 */
export async function unclaimedEvents(db: Database, now: Date, limit: number): Promise<UnclaimedEvent[]> {
  const rows = await db
    .selectFrom('conversation_events as event')
    .select([
      'event.id',
      'event.organization_id',
      'event.type',
      'event.conversation_id',
      'event.occurred_at',
      'event.workflow_id',
    ])
    .select(waitingFor(columns).as('waiting'))
    .select((select) =>
      select
        .selectFrom('executions')
        .innerJoin('handlers', 'handlers.id', 'executions.handler_id')
        .select(
          sql<string>`json_agg(json_build_object('executionId', executions.id, 'handlerName', handlers.name,
            'runsAt', executions.runs_at, 'cancelOn', executions.cancel_on) order by executions.ordinal)::text`.as(
            'executions',
          ),
        )
        .whereRef('executions.organization_id', '=', 'event.organization_id')
        .whereRef('executions.event_id', '=', 'event.id')
        .where('executions.rerun_of', 'is', null)
        .as('executions'),
    )
    .where('event.claimed_by', 'is', null)
    .where('event.relay_at', '<=', now)
    .orderBy('event.relay_at')
    .limit(limit)
    .execute();
  return await Promise.all(
    rows.map(async (row) => ({
      id: row.id,
      organizationId: row.organization_id,
      type: row.type,
      conversationId: row.conversation_id,
      workflowId: row.workflow_id,
      executions: row.executions === null ? [] : Executions.parse(JSON.parse(row.executions)).map(toPinnedExecution),
      ...(await newsOf(db, row, row.waiting)),
    })),
  );
}

/** The relay looks at the event again at `until`, unless it is claimed by then. */
export async function postponeRelay(db: Database, id: string, until: Date): Promise<void> {
  await db.updateTable('conversation_events').set({ relay_at: until }).where('id', '=', id).execute();
}
