import type { Client } from '@temporalio/client';
import { ensureSchedule } from './ensure-schedule.ts';

/** Has Temporal remove what is kept no longer, once a day at some minute after three (UTC). Throws `temporal_unavailable`. */
export function ensureRetention(client: Client, taskQueue: string): Promise<void> {
  return ensureSchedule(client, {
    scheduleId: `retention/${taskQueue}`,
    spec: { calendars: [{ hour: 3 }], jitter: '30 minutes' },
    // A day without a worker is made up for by the next.
    policies: { overlap: 'SKIP', catchupWindow: '1 hour' },
    workflowType: 'applyRetention',
    taskQueue,
  });
}
