import { appending } from './appending.ts';
import { withApiBench } from './api-bench.ts';
import { executions } from './executions.ts';
import { timelineEvents } from './timeline-events.ts';
import type { BenchResult } from '../result.ts';

/** What the API promises of conversations and of long lists, on PostgreSQL on this machine. */
export async function lists(): Promise<BenchResult[]> {
  return withApiBench(async (bench) => [
    ...(await appending(bench)),
    ...(await timelineEvents(bench)),
    ...(await executions(bench)),
  ]);
}
