import { parentPort } from 'node:worker_threads';
import { findingsIn } from './source-findings.ts';
import { prepareHandler } from './prepare-handler.ts';
import { SourceTask, type SourceAnswer } from './source-task.ts';

/**
 * A thread of its own, since the text is whatever somebody pushed: it may take the parser's time and stack. What throws
 * here ends the thread, and the next text gets a new one.
 */
parentPort?.on('message', (message: unknown) => {
  const task = SourceTask.parse(message);
  const answer: SourceAnswer =
    task.kind === 'prepare'
      ? { kind: 'prepared', handler: prepareHandler(task.code) }
      : { kind: 'checked', findings: findingsIn(task.code, task.helperNames) };
  parentPort?.postMessage(answer);
});
