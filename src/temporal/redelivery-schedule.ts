import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import type { redeliverAnalytics } from '../workflows/redeliver-analytics.ts';
import { toTemporalError } from './temporal-errors.ts';

/**
 * Has Temporal start the redelivery of analytics events every so often, one at a time. Any worker may ask for it at its
 * start, any number of times. Throws `temporal_unavailable`.
 */
export async function ensureRedelivery(client: Client, taskQueue: string, everyMs: number): Promise<void> {
  const scheduleId = `analytics-redelivery/${taskQueue}`;
  try {
    await client.schedule.create<typeof redeliverAnalytics>({
      scheduleId,
      spec: { intervals: [{ every: everyMs }] },
      policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
      action: { type: 'startWorkflow', workflowType: 'redeliverAnalytics', taskQueue, workflowId: scheduleId },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw toTemporalError(error);
  }
}
