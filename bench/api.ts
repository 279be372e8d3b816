import { appending } from './api/appending.ts';
import { withApiBench } from './api/api-bench.ts';
import { executions } from './api/executions.ts';
import { publishing } from './api/publishing.ts';
import { timelineEvents } from './api/timeline-events.ts';
import type { BenchResult } from './result.ts';

/** What the API promises, on PostgreSQL on this machine; a file a topic in bench/api. */
export async function api(): Promise<BenchResult[]> {
  return withApiBench(async (bench) => [
    ...(await publishing(bench)),
    ...(await appending(bench)),
    ...(await timelineEvents(bench)),
    ...(await executions(bench)),
  ]);
}
