import type { Client } from '@temporalio/client';
import { ensureSchedule } from './ensure-schedule.ts';

/** Has Temporal start the redelivery of analytics events every so often, one at a time. Throws `temporal_unavailable`. */
export function ensureRedelivery(client: Client, taskQueue: string, everyMs: number): Promise<void> {
  return ensureSchedule(client, {
    scheduleId: `analytics-redelivery/${taskQueue}`,
    spec: { intervals: [{ every: everyMs }] },
    policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
    workflowType: 'redeliverAnalytics',
    taskQueue,
  });
}
