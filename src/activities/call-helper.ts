import { AfterwordError } from '../domain/errors.ts';
import { JsonObject } from '../contract/json.ts';
import type { ActivityHelper, StoreHelper } from '../helpers/helper.ts';
import { answerCall } from '../store/execution-ledger/answer-call.ts';
import type { CallOutcome } from '../store/execution-ledger/calls.ts';
import type { HelperCallRef } from './index.ts';
import { createCallOutside, type CallOutsideDeps } from './call-outside.ts';
import { privacyOfCall } from './privacy-of-call.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/** The activity of one helper. Its answer, or its refusal, is recorded; anything else is tried again. */
export function createCallHelper(deps: CallOutsideDeps, helper: ActivityHelper) {
  const call = helper.works === 'outside' ? createCallOutside(deps, helper) : createCallStore(deps, helper);
  return async function callHelper(ref: HelperCallRef): Promise<void> {
    try {
      await deps.checkpoint?.('helper:before', { callId: ref.callId });
      const tidyUp = await call(ref);
      await deps.checkpoint?.('helper:recorded', { callId: ref.callId });
      // What stays behind is swept by a later call.
      await tidyUp?.().catch(() => undefined);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}

/** Effect and answer in one transaction. */
function createCallStore({ store, checkpoint, keys }: CallOutsideDeps, helper: StoreHelper) {
  return async ({ organizationId, callId }: HelperCallRef): Promise<undefined> => {
    await answerCall(store.db, organizationId, callId, helper.effect, async (call): Promise<CallOutcome> => {
      const { privacy } = privacyOfCall(keys, organizationId, callId, call.sealedArgs);
      try {
        const args = JsonObject.parse(JSON.parse(call.argsJson));
        const answer = await helper.call(args, call);
        await checkpoint?.('helper:unrecorded', { callId });
        return privacy.outcome(callId, { state: 'succeeded', answerJson: JSON.stringify(answer), error: null });
      } catch (error) {
        if (!(error instanceof AfterwordError) || error.entry.retryable) throw privacy.failure(error);
        const refusal = { code: error.code, message: error.message };
        return privacy.outcome(callId, { state: 'refused', answerJson: null, error: refusal });
      }
    });
  };
}
