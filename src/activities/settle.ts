import type { Settled, SettleInput } from '../contract/workflow.ts';
import type { Store } from '../store/database.ts';
import { settleExecution } from '../store/execution-ledger/finish-attempt.ts';
import { forgetCredentials } from '../store/tool-invocations.ts';
import type { Checkpoint } from './checkpoint.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/** Writes how an execution ended where its own worker could not: it was cancelled while it waited, or it was lost. */
export function createSettle({ store, checkpoint }: { store: Store; checkpoint?: Checkpoint | undefined }) {
  return async function settle({ message, ...settlement }: SettleInput): Promise<Settled> {
    try {
      const error = settlement.status === 'cancelled' ? null : { type: 'Afterword', message, traceback: '' };
      await checkpoint?.('settle:before', settlement);
      const settled = await settleExecution(store.db, { ...settlement, error });
      await forgetCredentials(store.db, settlement.organizationId, settlement.executionId);
      await checkpoint?.('settle:after', settlement);
      return settled;
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}
