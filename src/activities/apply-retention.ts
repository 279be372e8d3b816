import { Context, heartbeat } from '@temporalio/activity';
import type { Removed } from '../contract/workflow.ts';
import type { RetentionPolicy } from '../domain/retention-policy.ts';
import type { Database, Store } from '../store/database.ts';
import {
  removeAnalytics,
  removeAuditEntries,
  removeEvents,
  removeMessages,
  removeRecords,
  type Removal,
} from '../store/retention.ts';
import { vacuum } from '../store/statistics.ts';
import { toApplicationFailure } from './to-application-failure.ts';

/** Removed by one statement: some 100 ms. */
const batch = 200;
const dayMs = 24 * 60 * 60_000;

/** Removes what the policy keeps no longer, until nothing of it is left. */
export function createApplyRetention({ store, policy }: { readonly store: Store; readonly policy: RetentionPolicy }) {
  return async function applyRetention(): Promise<Removed> {
    const { cancellationSignal } = Context.current();
    const all = async (removal: Removal, days: number | undefined) =>
      days === undefined ? 0 : removeAll(store.db, removal, new Date(Date.now() - days * dayMs), cancellationSignal);
    try {
      const removed = {
        // In this order: an event goes after its executions' records and analytics events.
        records: await all(removeRecords, policy.recordDays),
        conversations: await all(removeMessages, policy.messageDays),
        analyticsEvents: await all(removeAnalytics, policy.analyticsDays),
        events: await all(removeEvents, policy.eventDays),
        auditEntries: await all(removeAuditEntries, policy.auditDays),
      };
      if (store.kind === 'embedded') await vacuum(store.db);
      return removed;
    } catch (error) {
      throw toApplicationFailure(error);
    }
  };
}

async function removeAll(db: Database, removal: Removal, before: Date, signal: AbortSignal): Promise<number> {
  let removed = 0;
  let last: number;
  do {
    signal.throwIfAborted();
    last = await removal(db, before, batch);
    removed += last;
    heartbeat(removed);
  } while (last === batch);
  return removed;
}
