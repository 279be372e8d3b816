import type { OpenedEvent, OpenEventInput } from '../contract/workflow.ts';
import { acceptEvent } from '../store/conversation-events.ts';
import type { Store } from '../store/database.ts';
import { claimEvent } from '../store/execution-ledger/claim-event.ts';
import type { Checkpoint } from './checkpoint.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/**
 * Takes the event up for this run: stores it where a direct publisher sent it, chooses and pins its handlers, claims
 * it. A run that finds its own claim goes on; one that finds another's ends as a duplicate.
 */
export function createOpenEvent({ store, checkpoint }: { store: Store; checkpoint?: Checkpoint | undefined }) {
  async function open({ organizationId, workflowId, runId, source }: OpenEventInput): Promise<OpenedEvent> {
    if ('storedId' in source) {
      const claimed = await claimEvent(store.db, organizationId, source.storedId, runId);
      return claimed
        ? { outcome: 'opened', id: source.storedId, executions: [] }
        : { outcome: 'duplicate', id: source.storedId };
    }
    const accepted = await acceptEvent(store.db, organizationId, source.event, { claimFor: runId, workflowId });
    const { id, claimedBy, executions, news } = accepted;
    return claimedBy === runId
      ? { outcome: 'opened', id, executions, ...(news === undefined ? {} : { news }) }
      : { outcome: 'duplicate', id };
  }

  return async function openEvent(input: OpenEventInput): Promise<OpenedEvent> {
    try {
      await checkpoint?.('open:before', input);
      const opened = await open(input);
      await checkpoint?.('open:after', input);
      return opened;
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}
