import type { Call } from '../contract/execution.ts';
import type { Database } from './database.ts';
import { toCall } from './execution-rows.ts';
import { shownJson } from './shown-calls.ts';

// Named, so that what is shown shorter than it is does not leave the store at its full length.
const columns = [
  'calls.id',
  'calls.execution_id',
  'calls.name',
  'calls.n',
  'calls.try',
  'calls.effect',
  'calls.state',
  'calls.error_code',
  'calls.error_message',
  'calls.attempt',
  'calls.requested_at',
  'calls.answered_at',
] as const;

/** The calls of one execution, and of a re-run those of its predecessors that answered it, in the order they were made. */
export async function callsOf(
  db: Database,
  organizationId: string,
  execution: { readonly id: string; readonly attempt: number; readonly root_id: string | null },
): Promise<Call[]> {
  const all = db
    .selectFrom('calls')
    .select(columns)
    .select([shownJson('args').as('args'), shownJson('answer').as('answer')])
    .where('calls.organization_id', '=', organizationId);
  const own = await all
    .select(['calls.last_attempt', 'calls.drift'])
    .where('calls.execution_id', '=', execution.id)
    .orderBy('calls.requested_at')
    .orderBy('calls.id')
    .execute();
  const replayed =
    execution.root_id === null
      ? []
      : await all
          .innerJoin('replayed_calls as replayed', 'replayed.call_id', 'calls.id')
          .select(['replayed.last_attempt', 'replayed.drift'])
          .where('replayed.organization_id', '=', organizationId)
          .where('replayed.execution_id', '=', execution.id)
          .orderBy('calls.requested_at')
          .orderBy('calls.id')
          .execute();
  return [...replayed, ...own].map((row) => toCall(row, execution));
}
