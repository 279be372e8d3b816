import { setTimeout as sleep } from 'node:timers/promises';

/** What `work` answers, or 'late' after `ms`; then it goes on unwatched, so it must not reject. */
export async function within<Answer>(work: Promise<Answer>, ms: number): Promise<Answer | 'late'> {
  const done = new AbortController();
  const late = sleep(ms, 'late' as const, { signal: done.signal }).catch(() => 'late' as const);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
