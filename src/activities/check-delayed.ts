import type { CheckDelayedInput, DelayedState } from '../contract/workflow.ts';
import type { Store } from '../store/database.ts';
import { cancelledBy } from '../store/execution-ledger/cancelling-event.ts';
import { checkDelayed, type DelayedExecution } from '../store/execution-ledger/check-delayed.ts';
import { settleExecution } from '../store/execution-ledger/finish-attempt.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/**
 * Whether a handler that waits for its time still has to run: a later event may have cancelled it, or its handler have
 * been switched off by the time it is due. What has to end is ended here.
 */
export function createCheckDelayed({ store: { db } }: { store: Store }) {
  async function check({ due, ...ref }: CheckDelayedInput): Promise<DelayedState> {
    const found = await checkDelayed(db, ref);
    if (found.kind === 'claimed_by_another') return { outcome: 'duplicate' };
    if (found.kind === 'settled') return { outcome: 'settled', status: found.status, reason: found.reason };
    const error = whyCancelled(found, due);
    if (error === null) return { outcome: 'waiting' };
    return { outcome: 'settled', ...(await settleExecution(db, { ...ref, status: 'cancelled', reason: null, error })) };
  }

  return async function checkDelayedHandler(input: CheckDelayedInput): Promise<DelayedState> {
    try {
      return await check(input);
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}

function whyCancelled(found: Extract<DelayedExecution, { kind: 'waiting' }>, due: boolean) {
  if (found.cancelledBy !== null) return cancelledBy(found.cancelledBy);
  // Before that it may be switched on again.
  if (!due || found.handlerEnabled) return null;
  return { type: 'Cancelled', message: 'The handler was switched off before its time came.', traceback: '' };
}
