import type { Selectable } from 'kysely';
import { AfterwordError } from '../domain/errors.ts';
import type { Database } from './database.ts';
import type { LogChunksTable } from './tables.ts';
import { isUuid } from './uuid-text.ts';

export interface AttemptLogs {
  readonly stdout: string;
  readonly stderr: string;
}

type LogChunkRow = Selectable<LogChunksTable>;

export const tailSeq = -1;

/** What the attempt printed, the newest one's where none is named. Throws `execution_not_found`. */
export async function readLogs(
  db: Database,
  organizationId: string,
  executionId: string,
  attempt?: number,
): Promise<AttemptLogs & { attempt: number }> {
  const execution = isUuid(executionId)
    ? await db
        .selectFrom('executions')
        .select('attempt')
        .where('organization_id', '=', organizationId)
        .where('id', '=', executionId)
        .executeTakeFirst()
    : undefined;
  if (execution === undefined) {
    throw new AfterwordError('execution_not_found', `There is no execution "${executionId}".`);
  }
  const wanted = attempt ?? execution.attempt;
  const chunks = await logChunks(db, organizationId, executionId, wanted);
  return { attempt: wanted, ...logsOf(chunks, wanted) };
}

/** Of one attempt or of all. */
export async function logChunks(
  db: Database,
  organizationId: string,
  executionId: string,
  attempt?: number,
): Promise<LogChunkRow[]> {
  return await db
    .selectFrom('log_chunks')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('execution_id', '=', executionId)
    .$if(attempt !== undefined, (query) => query.where('attempt', '=', attempt ?? 0))
    .orderBy('attempt')
    .orderBy('seq')
    .execute();
}

/** Puts the attempt's streams together: the head, a line that says what is missing, the tail. */
export function logsOf(chunks: readonly LogChunkRow[], attempt: number): AttemptLogs {
  const own = chunks.filter((chunk) => chunk.attempt === attempt);
  return { stdout: streamOf(own, 'stdout'), stderr: streamOf(own, 'stderr') };
}

function streamOf(chunks: readonly LogChunkRow[], stream: LogChunkRow['stream']): string {
  const own = chunks.filter((chunk) => chunk.stream === stream);
  const head = own.filter((chunk) => chunk.seq !== tailSeq);
  const tail = own.find((chunk) => chunk.seq === tailSeq);
  const missing = tail?.missing_bytes ?? 0;
  const gap = missing > 0 ? `\n… ${String(missing)} bytes left out …\n` : '';
  return head.map((chunk) => chunk.text).join('') + gap + (tail?.text ?? '');
}
