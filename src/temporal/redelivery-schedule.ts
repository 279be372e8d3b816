import type { Client } from '@temporalio/client';
import { ensureSchedule } from './ensure-schedule.ts';
import { toTemporalError } from './temporal-errors.ts';

/** Has Temporal start the redelivery of analytics events every so often, one at a time. Throws `temporal_unavailable`. */
export function ensureRedelivery(client: Client, taskQueue: string, everyMs: number): Promise<void> {
  return ensureSchedule(client, {
    scheduleId: scheduleOf(taskQueue),
    spec: { intervals: [{ every: everyMs }] },
    policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
    workflowType: 'redeliverAnalytics',
    taskQueue,
  });
}

/** Has it started now, or behind the one that runs. Throws `temporal_unavailable`, also where there is no schedule yet. */
export async function redeliverNow(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleOf(taskQueue)).trigger('BUFFER_ONE');
  } catch (error) {
    throw toTemporalError(error);
  }
}

function scheduleOf(taskQueue: string): string {
  return `analytics-redelivery/${taskQueue}`;
}
