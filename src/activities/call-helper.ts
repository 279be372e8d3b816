import { AfterwordError } from '../domain/errors.ts';
import { JsonObject } from '../contract/json.ts';
import type { ActivityHelper } from '../helpers/helper.ts';
import type { Store } from '../store/database.ts';
import { answerCall } from '../store/execution-ledger/answer-call.ts';
import type { CallOutcome } from '../store/execution-ledger/calls.ts';
import type { HelperCallRef } from './index.ts';
import type { Checkpoint } from './checkpoint.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/** The activity of one helper. Its answer, or its refusal, is recorded with its effect; anything else is tried again. */
export function createCallHelper(
  { store, checkpoint }: { store: Store; checkpoint?: Checkpoint | undefined },
  helper: ActivityHelper,
) {
  return async function callHelper({ organizationId, callId }: HelperCallRef): Promise<void> {
    try {
      await checkpoint?.('helper:before', { callId });
      await answerCall(store.db, organizationId, callId, helper.effect, async (call): Promise<CallOutcome> => {
        try {
          const args = JsonObject.parse(JSON.parse(call.argsJson));
          const answer = await helper.call(args, call);
          await checkpoint?.('helper:unrecorded', { callId });
          return { state: 'succeeded', answerJson: JSON.stringify(answer), error: null };
        } catch (error) {
          if (!(error instanceof AfterwordError) || error.entry.retryable) throw error;
          return { state: 'refused', answerJson: null, error: { code: error.code, message: error.message } };
        }
      });
      await checkpoint?.('helper:recorded', { callId });
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}
