import { ScheduleAlreadyRunning, type Client, type ScheduleOptions } from '@temporalio/client';
import type * as workflows from '../workflows/index.ts';
import { toTemporalError } from './temporal-errors.ts';

/** A schedule that starts one of our workflows, under its own id. */
export interface WorkflowSchedule extends Pick<ScheduleOptions, 'scheduleId' | 'spec' | 'policies'> {
  readonly workflowType: keyof typeof workflows;
  readonly taskQueue: string;
}

/** Any worker may ask for it at its start, any number of times: the first makes it. Throws `temporal_unavailable`. */
export async function ensureSchedule(client: Client, schedule: WorkflowSchedule): Promise<void> {
  const { workflowType, taskQueue, ...rest } = schedule;
  const workflowId = rest.scheduleId;
  try {
    await client.schedule.create({ ...rest, action: { type: 'startWorkflow', workflowType, taskQueue, workflowId } });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw toTemporalError(error);
  }
}
