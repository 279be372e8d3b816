/** The floor as one worker process: bare workflows on the same server, with the product's worker settings. */
import { fileURLToPath } from 'node:url';
import { activityInfo } from '@temporalio/activity';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { createLog } from '../../src/observability/log.ts';
import { connectTemporal } from '../../src/temporal/connection.ts';
import { connectNative } from '../../src/temporal/native-connection.ts';
import { installTemporalRuntime } from '../../src/temporal/runtime.ts';
import { roundTrip } from './floor-workflows.ts';
import { serve } from './serve.ts';

installTemporalRuntime(createLog({ level: 'warn', process: 'bench' }));
const address = process.env.BENCH_TEMPORAL;
const { client } = connectTemporal({ address });
const connection = await connectNative({ address });
const workflowBundle = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('./floor-workflows.ts', import.meta.url)),
  logger: new DefaultLogger('WARN'),
});

const activities = {
  nothing: () => Promise.resolve(),
  async fiveUpdates(): Promise<number[]> {
    const { workflowExecution } = activityInfo();
    const handle = client.workflow.getHandle(workflowExecution?.workflowId ?? '', workflowExecution?.runId);
    const times: number[] = [];
    for (let n = 1; n <= 5; n += 1) {
      const from = performance.now();
      await handle.executeUpdate(roundTrip, { updateId: `call/${String(n)}` });
      times.push(performance.now() - from);
    }
    return times;
  },
};
const workers = await Promise.all([
  Worker.create({ connection, taskQueue: 'floor', workflowBundle, activities }),
  Worker.create({ connection, taskQueue: 'floor-handlers', activities, maxConcurrentActivityTaskExecutions: 8 }),
]);
for (const worker of workers) void worker.run();
serve({});
