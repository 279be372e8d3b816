import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { HandlerFailure } from '../contract/workflow.ts';

/**
 * The user's failure on its way to Temporal: expected, so benign, and without the user's words, which stay in the
 * store. `again` null: no other attempt follows; without `afterMs` it follows when the activity's policy says.
 */
export function handlerFailed(
  failure: HandlerFailure,
  again: { readonly afterMs: number | undefined } | null,
): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'HandlerFailed',
    message: failure.reason === null ? failure.status : `${failure.status}: ${failure.reason}`,
    nonRetryable: again === null,
    ...(again?.afterMs === undefined ? {} : { nextRetryDelay: again.afterMs }),
    category: ApplicationFailureCategory.BENIGN,
    details: [failure],
  });
}
