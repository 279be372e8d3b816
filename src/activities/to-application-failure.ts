import { ApplicationFailure } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import { AfterwordError } from '../domain/errors.ts';
import { SandboxError } from '../sandbox/sandbox.ts';

/** What a handler's owner may read of a failure of ours: an outage's details name hosts, ports and users. */
export function toldToHandler(error: unknown): string {
  if (error instanceof AfterwordError) {
    // Helpers write this one for the handler's author.
    if (error.code === 'helper_unavailable') return error.message;
    return error.entry.kind === 'unavailable' ? error.entry.title : error.message;
  }
  if (error instanceof SandboxError) return error.message;
  return 'Afterword failed; the log of its worker says how';
}

/** Names and retries of our errors as Temporal sees them; what it does not know is retried. */
export function toApplicationFailure(error: unknown): unknown {
  if (!(error instanceof AfterwordError)) return error;
  return ApplicationFailure.create({
    type: error.code,
    message: toldToHandler(error),
    cause: error,
    nonRetryable: !error.entry.retryable,
    // Nothing failed: no warning, no metric.
    ...(error.code === 'handlers_busy' ? { category: ApplicationFailureCategory.BENIGN } : {}),
    ...(error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs }),
  });
}
