import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { cageLevelOf, type CageLevel } from '../domain/cage-level.ts';

/** A poll lasts a minute; the server remembers pollers for five. */
const aliveMs = 90_000;

/** How well each worker that asked for handlers lately locks them up. Rejects while Temporal is away. */
export async function handlerWorkers(client: Client, namespace: string, taskQueue: string): Promise<CageLevel[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: `${taskQueue}-handlers` },
    taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  return pollers.flatMap(({ identity, lastAccessTime }) => {
    const seconds = Number(lastAccessTime?.seconds ?? 0);
    const level = Date.now() - seconds * 1_000 < aliveMs ? cageLevelOf(identity ?? '') : undefined;
    return level === undefined ? [] : [level];
  });
}
