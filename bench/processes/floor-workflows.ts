import { defineUpdate, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';

interface FloorActivities {
  nothing(): Promise<void>;
  fiveUpdates(): Promise<number[]>;
}

export const roundTrip = defineUpdate<undefined>('roundTrip');

const options = { startToCloseTimeout: '60 s' } as const;
const { nothing } = proxyActivities<FloorActivities>(options);

/** The least that durable work costs: one workflow, one activity on another task queue. */
export async function bare(): Promise<void> {
  const others = proxyActivities<FloorActivities>({ ...options, taskQueue: `${workflowInfo().taskQueue}-handlers` });
  await others.nothing();
}

/** The least that a durable call from inside an activity costs: an update whose handler runs an activity. */
export async function withUpdates(): Promise<number[]> {
  setHandler(roundTrip, async () => {
    await nothing();
    return undefined;
  });
  const others = proxyActivities<FloorActivities>({ ...options, taskQueue: `${workflowInfo().taskQueue}-handlers` });
  return others.fiveUpdates();
}
