import { sql } from 'kysely';
import type { Database } from './database.ts';
import { logChunks, tailSeq } from './logs.ts';

export interface NewOutput {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** Of all that the stream has printed up to the end of `text`. */
  readonly bytes: number;
}

interface Length {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: number;
}

/** What an attempt has printed beyond the bytes that were seen; of a long one the part that is not kept is a line. */
export async function newOutput(
  db: Database,
  organizationId: string,
  executionId: string,
  seen: { readonly attempt: number; readonly stdout: number; readonly stderr: number },
): Promise<NewOutput[]> {
  // The lengths alone first: mostly nothing is new.
  const { rows } = await sql<Length>`
    select stream, sum(octet_length(text) + missing_bytes)::bigint as bytes from log_chunks
    where organization_id = ${organizationId} and execution_id = ${executionId}::uuid and attempt = ${seen.attempt}
    group by stream order by stream desc`.execute(db);
  const grown = rows.filter(({ stream, bytes }) => bytes > seen[stream]);
  if (grown.length === 0) return [];
  const chunks = await logChunks(db, organizationId, executionId, seen.attempt);
  return grown.map(({ stream }) => {
    const own = chunks.filter((chunk) => chunk.stream === stream);
    const textOf = (some: typeof own) => Buffer.from(some.map(({ text }) => text).join(''));
    const head = textOf(own.filter(({ seq }) => seq !== tailSeq));
    const tail = textOf(own.filter(({ seq }) => seq === tailSeq));
    const missing = own.reduce((sum, chunk) => sum + chunk.missing_bytes, 0);
    const tailStart = head.length + missing;
    const unseen = tailStart - Math.max(seen[stream], head.length);
    return {
      stream,
      text: [
        head.subarray(seen[stream]).toString(),
        missing > 0 && unseen > 0 ? `\n… ${String(unseen)} bytes left out …\n` : '',
        tail.subarray(Math.max(seen[stream] - tailStart, 0)).toString(),
      ].join(''),
      bytes: tailStart + tail.length,
    };
  });
}
