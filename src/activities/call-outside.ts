import { activityInfo, Context } from '@temporalio/activity';
import { z } from 'zod';
import { JsonObject, type JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { OutsideHelper } from '../helpers/helper.ts';
import type { ServicesOf } from '../helpers/services.ts';
import type { Store } from '../store/database.ts';
import { recordOutcome, type CallOutcome } from '../store/execution-ledger/calls.ts';
import { readOutsideCall } from '../store/execution-ledger/outside-call.ts';
import type { HelperCallRef } from './index.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { Checkpoint } from './checkpoint.ts';
import { privacyOfCall } from './privacy-of-call.ts';

export interface CallOutsideDeps {
  readonly store: Store;
  readonly services: ServicesOf;
  /** Left out: calls of handlers with secrets are not answered here. */
  readonly keys?: Keyring | undefined;
  readonly checkpoint?: Checkpoint | undefined;
  /** All tries of a helper that asks somebody else, milliseconds. */
  readonly outsideMs?: number | undefined;
}

/** Done once the answer is recorded. */
type TidyUp = () => Promise<void>;

/** Less is not worth a request. */
const shortestRequestMs = 1_000;

/**
 * Reads the call, works, records the answer: three steps without a transaction around them, since the one in the
 * middle waits for somebody else. An answer once recorded stays, so a repeat of the activity changes nothing in the
 * store; that it changes nothing outside is the helper's business. Answers what is to be tidied up.
 */
export function createCallOutside(deps: CallOutsideDeps, helper: OutsideHelper) {
  const { store, services, keys, checkpoint, outsideMs = limits.outsideHelperMs } = deps;
  return async ({ organizationId, callId }: HelperCallRef): Promise<TidyUp | undefined> => {
    const { attempt, scheduledTimestampMs, retryPolicy } = activityInfo();
    const deadline = scheduledTimestampMs + outsideMs;
    const pauseMs = pauseAfter(attempt, retryPolicy);
    const mayTryAgain = ({ retryAfterMs = pauseMs }: AfterwordError) =>
      Date.now() + retryAfterMs + shortestRequestMs < deadline;
    const call = await readOutsideCall(store.db, organizationId, callId);
    if (call.state !== 'intent') return undefined;
    const { privacy, argsJson = call.argsJson } = privacyOfCall(keys, organizationId, callId, call.sealedArgs);
    const args = JsonObject.parse(JSON.parse(argsJson));
    let tidyUp: TidyUp | undefined;

    async function work(): Promise<JsonValue> {
      const left = deadline - Date.now();
      if (left < shortestRequestMs) throw new AfterwordError('helper_unavailable', 'its time is used up');
      const { answer, afterRecord } = await helper.call(args, {
        effectKey: `${call.rootId}/${call.name}/${String(call.n)}`,
        firstTry: attempt === 1 && call.tryNumber === 1 && !call.leftBehind,
        testRun: call.executionKind === 'test',
        timeoutMs: Math.min(left, limits.outsideRequestMs),
        signal: Context.current().cancellationSignal,
        services: services(organizationId),
      });
      tidyUp = afterRecord;
      await checkpoint?.('helper:unrecorded', { callId });
      return answer;
    }

    const outcome = await work().then(succeeded, (error: unknown) => {
      if (!(error instanceof AfterwordError) || (error.entry.retryable && mayTryAgain(error))) {
        throw privacy.failure(error);
      }
      return failed(helper, args, error);
    });
    await recordOutcome(store.db, organizationId, callId, privacy.outcome(callId, outcome));
    return tidyUp;
  };
}

/**
 * For good, or for as long as its tries may take. Wrong arguments are the author's to mend: no fallback hides them.
 * Beside a fallback the record keeps what it stands in for.
 */
function failed(helper: OutsideHelper, args: JsonObject, { code, message, entry }: AfterwordError): CallOutcome {
  const told = entry.retryable ? `${helper.name} could not do its work: ${message}` : message;
  const error = { code, message: told };
  const instead = entry.kind === 'input' || entry.kind === 'limit' ? undefined : helper.fallback(args);
  if (instead !== undefined) return { ...succeeded(instead), error };
  return { state: entry.retryable ? 'transient' : 'refused', answerJson: null, error };
}

/** As the server tells it: milliseconds. */
const Backoff = z.object({ initialInterval: z.number(), backoffCoefficient: z.number(), maximumInterval: z.number() });

/** How long Temporal waits after this try; an old server does not tell. */
function pauseAfter(attempt: number, retryPolicy: unknown): number {
  const backoff = Backoff.safeParse(retryPolicy);
  if (!backoff.success) return 0;
  const { initialInterval, backoffCoefficient, maximumInterval } = backoff.data;
  return Math.min(initialInterval * backoffCoefficient ** (attempt - 1), maximumInterval);
}

function succeeded(answer: JsonValue): CallOutcome {
  return { state: 'succeeded', answerJson: JSON.stringify(answer), error: null };
}
