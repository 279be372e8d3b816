import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { HandlerFailure } from '../contract/workflow.ts';

/**
 * The user's failure on its way to Temporal: expected, so benign, and without the user's words, which stay in the
 * store.
 */
export function handlerFailed(failure: HandlerFailure, final: boolean): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'HandlerFailed',
    message: failure.reason === null ? failure.status : `${failure.status}: ${failure.reason}`,
    nonRetryable: final,
    category: ApplicationFailureCategory.BENIGN,
    details: [failure],
  });
}
