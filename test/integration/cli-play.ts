import { v7 as uuidv7 } from 'uuid';
import type { FailureReason, FinalStatus } from '../../src/domain/status.ts';
import { beginAttempt } from '../../src/store/execution-ledger/begin-attempt.ts';
import { loadLedger, recordIntent, recordOutcome } from '../../src/store/execution-ledger/calls.ts';
import { finishAttempt } from '../../src/store/execution-ledger/finish-attempt.ts';
import { writeLogs } from '../../src/store/execution-ledger/write-logs.ts';
import type { PlayEvent } from './cli-under-test.ts';

export interface Script {
  readonly status?: FinalStatus;
  readonly reason?: FailureReason;
  readonly error?: { type: string; message: string; traceback: string };
  readonly result?: unknown;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Tags that the handler asks for. */
  readonly calls?: readonly { name: string; args: unknown; answer: unknown }[];
  /** Before it ends, after everything was printed. */
  readonly pause?: Promise<void>;
}

/** Plays the worker: writes to the ledger what a handler of that name would leave there; a re-run's calls are replayed. */
export function playing(scripts: Record<string, Script>): PlayEvent {
  return async (store, { organizationId, executions }) => {
    await Promise.all(
      executions.map(async ({ executionId, handlerName }) => {
        const script = scripts[handlerName];
        if (script === undefined) return;
        const ref = { organizationId, executionId, attempt: 1 };
        const now = new Date();
        const queuedAt = new Date(now.getTime() - 20);
        const begun = await beginAttempt(store.db, {
          ...ref,
          turn: ref.attempt,
          claimFor: 'run',
          queuedAt,
          startedAt: now,
          worker: 'w1',
        });
        const rootId = begun.kind === 'begun' ? begun.rootId : executionId;
        const recorded = rootId === executionId ? [] : (await loadLedger(store.db, ref, rootId)).calls;
        for (const [index, { name, args, answer }] of (script.calls ?? []).entries()) {
          if (recorded.some((known) => known.name === name)) continue;
          const call = {
            callId: uuidv7(),
            name,
            n: index + 1,
            tryNumber: 1,
            effect: 'write',
            requestedAt: now,
          } as const;
          await recordIntent(store.db, ref, { ...call, argsJson: JSON.stringify(args) }, []);
          const outcome = { state: 'succeeded', answerJson: JSON.stringify(answer), error: null } as const;
          await recordOutcome(store.db, organizationId, call.callId, outcome);
        }
        await writeLogs(store.db, ref, [
          { stream: 'stdout', seq: 0, text: script.stdout ?? '', missingBytes: 0 },
          { stream: 'stderr', seq: 0, text: script.stderr ?? '', missingBytes: 0 },
        ]);
        await script.pause;
        const status = script.status ?? 'succeeded';
        const end = {
          outcome: status,
          reason: script.reason ?? null,
          error: script.error ?? null,
          resultJson: status === 'succeeded' ? JSON.stringify(script.result ?? null) : null,
          runMs: 12,
          final: status,
          reached: recorded.map((known) => ({ ...known, driftJson: null })),
        };
        await finishAttempt(store.db, ref, end, []);
      }),
    );
  };
}
