import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { redeliverOptions } from './policies.ts';

/** Started by a schedule: delivers analytics events that could not be delivered when they were registered. */
export async function redeliverAnalytics(): Promise<void> {
  const activities = proxyActivities<Pick<Activities, 'redeliverAnalytics'>>({
    ...redeliverOptions,
    taskQueue: `${workflowInfo().taskQueue}-analytics`,
  });
  await activities.redeliverAnalytics();
}
