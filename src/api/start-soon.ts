import type { News, PinnedExecution } from '../contract/workflow.ts';
import { AfterwordError } from '../domain/errors.ts';
import type { Log } from '../observability/log.ts';
import { logStartFailed, logStartLeftToRelay } from '../observability/server-log.ts';

import { within } from './within.ts';

export interface EventToStart {
  readonly organizationId: string;
  readonly id: string;
  readonly type: string;
  readonly conversationId: string;
  readonly workflowId: string;
  readonly executions: readonly PinnedExecution[];
  /** Whom to tell of it. */
  readonly news?: News;
}

/** Idempotent: `duplicate` says that the workflow had been started before. Throws `temporal_unavailable`. */
export type StartEvent = (event: EventToStart) => Promise<{ duplicate: boolean }>;

export interface StartSoonOptions<Start> {
  /** Idempotent. Throws `temporal_unavailable`. */
  readonly start: (what: Start) => Promise<unknown>;
  readonly log: Log;
  /** How long a publisher waits for Temporal at most. */
  readonly waitMs?: number;
  /** After a start that failed or came late, events go to the relay alone for this long: nobody waits in an outage. */
  readonly restMs?: number;
}

/**
 * Starts the workflow of an event, or of a re-run, that is safe in the store. The relay starts what is not started here, so this never
 * throws and an answer to a publisher never waits for Temporal longer than `waitMs`.
 */
export function createStartSoon<Start extends { readonly workflowId: string }>({
  start: startNow,
  log,
  waitMs = 1_000,
  restMs = 5_000,
}: StartSoonOptions<Start>): (what: Start) => Promise<void> {
  let away = false;
  let restsUntil = 0;

  function rest(workflowId: string, reason: string): void {
    away = true;
    restsUntil = Date.now() + restMs;
    logStartLeftToRelay(log, { workflowId, reason });
  }

  async function start(what: Start): Promise<void> {
    try {
      await startNow(what);
      away = false;
      restsUntil = 0;
    } catch (error) {
      if (error instanceof AfterwordError && error.code === 'temporal_unavailable') rest(what.workflowId, error.code);
      else logStartFailed(log, what.workflowId, error);
    }
  }

  return async (what) => {
    if (Date.now() < restsUntil) return;
    if (away) {
      // One asks whether it is back, and nobody waits for the answer.
      restsUntil = Date.now() + restMs;
      void start(what);
      return;
    }
    if ((await within(start(what), waitMs)) === 'late') rest(what.workflowId, 'late');
  };
}
