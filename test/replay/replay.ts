import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import type { RecordedHistory } from './history-file.ts';

/** Replays one history against the workflow code; the error of one that fails says what to do about it. */
export async function replay(options: ReplayWorkerOptions, { name, workflowId, history }: RecordedHistory) {
  try {
    await Worker.runReplayHistory(options, history, workflowId);
  } catch (cause) {
    throw new Error(advice(name, cause), { cause });
  }
}

function advice(name: string, cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `The workflow code no longer takes the path that test/replay/histories/${name}.json recorded.
Temporal says: ${reason}
An event that is under way when its worker is upgraded would hang there. So, of these two:
 - A release had this path: keep it for the events that began on it. Let the new code run only where
   patched('what-changed') of @temporalio/workflow says so, leave this file as it is, and record the new path beside it:
   a scenario with a name of its own in test/replay/scenarios.ts, then \`npm run replay:record\`.
 - No release had it yet: delete the file and run \`npm run replay:record\`.`;
}
