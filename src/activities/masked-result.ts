import type { HandlerFailure, RegisteredEvent, SandboxResult } from '../sandbox/sandbox.ts';
import type { Masker } from '../secrets/masker.ts';

/** What came of a handler as it may be written down: result, error and analytics events without a secret. */
export function maskedResult(masker: Masker | undefined, result: SandboxResult): SandboxResult {
  if (masker === undefined) return result;
  switch (result.outcome) {
    case 'succeeded':
      return { ...result, result: masker.json(result.result), events: maskedEvents(masker, result.events) };
    case 'failed':
      return { ...result, error: maskedError(masker, result.error), events: maskedEvents(masker, result.events) };
    case 'timed_out':
    case 'aborted':
      return result;
  }
}

function maskedEvents(masker: Masker, events: readonly RegisteredEvent[]): RegisteredEvent[] {
  return events.map(({ event, fault }) => ({
    event: masker.object(event),
    fault: fault === null ? null : masker.text(fault),
  }));
}

function maskedError(masker: Masker, { type, message, traceback }: HandlerFailure): HandlerFailure {
  return { type: masker.text(type), message: masker.text(message), traceback: masker.text(traceback) };
}
