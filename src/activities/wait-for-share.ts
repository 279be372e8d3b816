import { cancellationDetails, cancellationSignal } from '@temporalio/activity';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { HandlerShares, ReleaseShare } from './handler-shares.ts';

/** When it is given back to the queue, for so long; others' handlers then come to their turn. */
const backInQueueMs = 1_000;

/**
 * A place for one handler of this organisation. Where it has its share of them already, the handler waits here for a moment and then
 * goes back into the queue: throws `handlers_busy`. Nothing has been written down by then, so it counts as no attempt.
 */
export async function waitForShare(shares: HandlerShares, organizationId: string): Promise<ReleaseShare> {
  // Not all as long: places that came free together would come free together ever after, and others find none between.
  const waitMs = Math.round(limits.handlerShareWaitMs * (0.5 + Math.random() / 2));
  const patience = AbortSignal.any([cancellationSignal(), AbortSignal.timeout(waitMs)]);
  const release = await shares.take(organizationId, patience);
  if (release !== undefined) return release;
  // A cancelled one goes on without a place: it is recorded, and no code is run.
  if (cancellationDetails()?.cancelRequested === true) return () => undefined;
  throw new AfterwordError('handlers_busy', `Handlers of ${organizationId} have their share of this worker.`, {
    retryAfterMs: backInQueueMs,
  });
}
