import { cancellationSignal } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Helper } from '../helpers/helper.ts';
import { handlerLimitsOf } from '../sandbox/handler-limits.ts';
import { EgressPolicy } from '../sandbox/http-gateway/egress-policy.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import type { Sandbox, SandboxResult } from '../sandbox/sandbox.ts';
import type { Store } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { loadLedger, type Ledger } from '../store/execution-ledger/calls.ts';
import { writeLogs, type LogChunk } from '../store/execution-ledger/write-logs.ts';
import { AttemptLog } from './attempt-log.ts';
import type { Checkpoint } from './checkpoint.ts';
import { AttemptCalls, CallLimitReached, type ReachedCall } from './attempt-calls.ts';
import { HandlerCalls } from './handler-calls.ts';
import { contextJsonOf } from './handler-context.ts';
import { HandlerRequests } from './handler-requests.ts';
import { createHelperUpdate } from './helper-update.ts';
import { toolOf } from './tool-context.ts';

export interface RunInCageDeps {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly client: Client;
  readonly helpers: readonly Helper[];
  readonly gateway: HttpGateway;
  readonly checkpoint?: Checkpoint | undefined;
  /** The user's time in one attempt, milliseconds. */
  readonly wallMs?: number | undefined;
}

/** How a run in the cage ended: by the handler, or because the platform failed under it. */
export type CageRun = {
  readonly reached: readonly ReachedCall[];
  /** Output that the store does not have yet. */
  readonly logs: readonly LogChunk[];
} & (
  | { readonly kind: 'ended'; readonly result: SandboxResult }
  | { readonly kind: 'broke'; readonly cause: unknown; readonly runMs: number }
);

const emptyLedger: Ledger = { calls: [], made: { helperCalls: 0, requests: 0 } };

export async function runInCage(
  deps: RunInCageDeps,
  ref: AttemptRef,
  begun: BegunAttempt,
  { startedAt, callsInFlight }: { readonly startedAt: Date; readonly callsInFlight: number },
): Promise<CageRun> {
  const { db } = deps.store;
  const log = new AttemptLog((chunks) => writeLogs(db, ref, chunks));
  const hasRecord = ref.attempt > 1 || begun.rootId !== ref.executionId;
  const { egress = {}, limits = {} } = begun.program.settings;
  const calls = new AttemptCalls(hasRecord ? await loadLedger(db, ref, begun.rootId) : emptyLedger, limits);
  const common = {
    db,
    ref,
    calls,
    writeWithLogs: <T>(write: (chunks: LogChunk[]) => Promise<T>) => log.writeWith(write),
    checkpoint: deps.checkpoint,
  };
  const requests = new HandlerRequests({
    ...common,
    rootId: begun.rootId,
    gateway: deps.gateway,
    egress: new EgressPolicy([
      { whose: 'organisation', rules: begun.egress },
      { whose: 'handler', rules: egress },
    ]),
  });
  const helperCalls = new HandlerCalls({
    ...common,
    helpers: new Map(
      deps.helpers.flatMap((helper) => (helper.answeredIn === 'activity' ? [[helper.name, helper]] : [])),
    ),
    update: createHelperUpdate(deps.client),
  });
  const most = handlerLimitsOf(limits);
  const ranFrom = performance.now();
  try {
    const run = deps.sandbox.run(
      {
        language: begun.program.language,
        code: begun.program.code,
        contextJson: contextJsonOf(begun, ref.attempt),
        helpers: deps.helpers,
        callsInFlight,
        requestsInFlight: limits.requestsAtOnce,
        tool: toolOf(begun),
        randomSeed: begun.rootId,
        limits: {
          ...most,
          wallMs: Math.min(most.wallMs, deps.wallMs ?? most.wallMs),
          // Counted from the start of the attempt, so that recording still fits into it.
          spentMs: Date.now() - startedAt.getTime(),
        },
      },
      {
        call: (call) => helperCalls.answer(call),
        request: (request) => requests.answer(request),
        log: (stream, text) => {
          log.add(stream, text);
        },
      },
      cancellationSignal(),
    );
    const result = await run.finally(() => requests.end());
    return { kind: 'ended', result, reached: calls.reached, logs: await log.drain() };
  } catch (cause) {
    const runMs = performance.now() - ranFrom;
    const logs = await log.drain();
    if (cause instanceof CallLimitReached) {
      const error = { type: 'LimitExceeded', message: cause.message, traceback: '' };
      const result: SandboxResult = { outcome: 'failed', reason: 'limit_exceeded', error, events: [], runMs };
      return { kind: 'ended', result, reached: calls.reached, logs };
    }
    return { kind: 'broke', cause, runMs, reached: calls.reached, logs };
  }
}
