import type { Priority } from '@temporalio/common';

/**
 * Queues serve the organisations in turn: the workflow, its handlers, helpers and deliveries, which inherit this, do not wait
 * behind another's backlog. A server without `matching.enableFairness` ignores it. A slug is shorter than the 64 bytes allowed.
 */
export function shareOf(organizationId: string): Priority {
  return { fairnessKey: organizationId };
}
