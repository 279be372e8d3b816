import { ApplicationFailure } from '@temporalio/activity';
import { AfterwordError } from '../domain/errors.ts';

/** Names and retries of our errors as Temporal sees them; what it does not know is retried. */
export function toApplicationFailure(error: unknown): unknown {
  if (!(error instanceof AfterwordError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: error.message,
    nonRetryable: !error.entry.retryable,
  });
}
