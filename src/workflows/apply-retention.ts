import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { Removed } from '../contract/workflow.ts';
import { retentionOptions } from './policies.ts';

/** Started by a schedule, once a day: removes what is kept no longer. Its result says how much that was. */
export async function applyRetention(): Promise<Removed> {
  const activities = proxyActivities<Pick<Activities, 'applyRetention'>>(retentionOptions);
  return activities.applyRetention();
}
