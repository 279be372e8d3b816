import type { RelatedExecution } from '../contract/execution.ts';
import type { Database } from './database.ts';

export interface Lineage {
  /** Oldest first, both. */
  readonly predecessors: RelatedExecution[];
  readonly successors: RelatedExecution[];
}

/** What this execution runs again or answers from, and what runs it again or answers from the same record later. */
export async function lineageOf(
  db: Database,
  organizationId: string,
  { id, root_id: rootId, rerun_of: rerunOf }: { id: string; root_id: string | null; rerun_of: string | null },
): Promise<Lineage> {
  const record = rootId ?? id;
  const rows = await db
    .selectFrom('executions')
    .leftJoin('handler_versions as version', 'version.id', 'executions.handler_version_id')
    .select(['executions.id', 'executions.status', 'executions.rerun_of', 'executions.root_id', 'version.version'])
    .select('executions.queued_at')
    .where('executions.organization_id', '=', organizationId)
    .where('executions.id', '<>', id)
    .where((where) =>
      where.or([
        where('executions.root_id', '=', record),
        where('executions.rerun_of', '=', id),
        where('executions.id', 'in', [record, rerunOf ?? record]),
      ]),
    )
    .orderBy('executions.id')
    .execute();
  const related = rows.map((row) => ({
    id: row.id,
    status: row.status,
    handlerVersion: row.version,
    rerunOf: row.rerun_of,
    sharesRecord: (row.root_id ?? row.id) === record,
    queuedAt: row.queued_at.toISOString(),
  }));
  return { predecessors: related.filter((one) => one.id < id), successors: related.filter((one) => one.id > id) };
}
