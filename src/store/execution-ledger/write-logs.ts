import { sql, type RawBuilder } from 'kysely';
import type { Database } from '../database.ts';
import type { AttemptRef } from './begin-attempt.ts';

export interface LogChunk {
  readonly stream: 'stdout' | 'stderr';
  /** 0, 1, … for the head; -1 for the tail, which is overwritten. */
  readonly seq: number;
  readonly text: string;
  /** Of a tail: bytes between head and tail that are not kept. */
  readonly missingBytes: number;
}

/**
 * The statement that writes chunks, to run alone or as a part of another: a round trip is saved where a call or the
 * end of an attempt is written anyway. A tail replaces the tail before it.
 */
export function logInsert(ref: AttemptRef, chunks: readonly LogChunk[]): RawBuilder<unknown> {
  return sql`
    insert into log_chunks (organization_id, execution_id, attempt, stream, seq, text, missing_bytes)
    select ${ref.organizationId}, ${ref.executionId}::uuid, ${ref.attempt}::integer, stream, seq, text, "missingBytes"
    from json_to_recordset(${JSON.stringify(chunks)}::json)
      as chunk (stream text, seq integer, text text, "missingBytes" bigint)
    -- Of a worker that was thought lost: its conversation may have been erased since.
    where not exists (select 1 from executions where id = ${ref.executionId}::uuid and erased_at is not null)
    on conflict (execution_id, attempt, stream, seq)
    do update set text = excluded.text, missing_bytes = excluded.missing_bytes`;
}

export async function writeLogs(db: Database, ref: AttemptRef, chunks: readonly LogChunk[]): Promise<void> {
  if (chunks.length > 0) await logInsert(ref, chunks).execute(db);
}
