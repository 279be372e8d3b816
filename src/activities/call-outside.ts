import { activityInfo, Context } from '@temporalio/activity';
import { JsonObject, type JsonValue } from '../contract/json.ts';
import { AfterwordError } from '../domain/errors.ts';
import { limits } from '../domain/limits.ts';
import type { OutsideHelper } from '../helpers/helper.ts';
import type { HelperServices } from '../helpers/services.ts';
import type { Store } from '../store/database.ts';
import { recordOutcome, type CallOutcome } from '../store/execution-ledger/calls.ts';
import { readOutsideCall } from '../store/execution-ledger/outside-call.ts';
import type { HelperCallRef } from './index.ts';
import type { Checkpoint } from './checkpoint.ts';

export interface CallOutsideDeps {
  readonly store: Store;
  readonly services: HelperServices;
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
  const { store, services, checkpoint, outsideMs = limits.outsideHelperMs } = deps;
  return async ({ organizationId, callId }: HelperCallRef): Promise<TidyUp | undefined> => {
    const { attempt, scheduledTimestampMs } = activityInfo();
    const deadline = scheduledTimestampMs + outsideMs;
    const call = await readOutsideCall(store.db, organizationId, callId);
    if (call.state !== 'intent') return undefined;
    const args = JsonObject.parse(JSON.parse(call.argsJson));
    let tidyUp: TidyUp | undefined;

    async function work(): Promise<JsonValue> {
      const left = deadline - Date.now();
      if (left < shortestRequestMs) throw new AfterwordError('helper_unavailable', 'its time is used up');
      const { answer, afterRecord } = await helper.call(args, {
        effectKey: `${call.executionId}/${call.name}/${String(call.n)}`,
        firstTry: attempt === 1 && call.tryNumber === 1,
        testRun: call.executionKind === 'test',
        timeoutMs: Math.min(left, limits.outsideRequestMs),
        signal: Context.current().cancellationSignal,
        services,
      });
      tidyUp = afterRecord;
      await checkpoint?.('helper:unrecorded', { callId });
      return answer;
    }

    const outcome = await outcomeOf(work, () => helper.fallback(args), deadline, helper.name);
    await recordOutcome(store.db, organizationId, callId, outcome);
    return tidyUp;
  };
}

/** Throws what is worth another try. */
async function outcomeOf(
  work: () => Promise<JsonValue>,
  fallback: () => JsonValue | undefined,
  deadline: number,
  name: string,
): Promise<CallOutcome> {
  try {
    return succeeded(await work());
  } catch (error) {
    if (!(error instanceof AfterwordError)) throw error;
    if (error.entry.retryable && Date.now() + (error.retryAfterMs ?? 0) + shortestRequestMs < deadline) throw error;
    const instead = error.entry.kind === 'input' || error.entry.kind === 'limit' ? undefined : fallback();
    if (instead !== undefined) return succeeded(instead);
    const { code, message } = error;
    return error.entry.retryable
      ? { state: 'transient', answerJson: null, error: { code, message: `${name} could not do its work: ${message}` } }
      : { state: 'refused', answerJson: null, error: { code, message } };
  }
}

function succeeded(answer: JsonValue): CallOutcome {
  return { state: 'succeeded', answerJson: JSON.stringify(answer), error: null };
}
