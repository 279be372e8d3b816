import { cancellationSignal } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { Metrics } from '../observability/metrics.ts';
import type { Helper } from '../helpers/helper.ts';
import { handlerLimitsOf } from '../sandbox/handler-limits.ts';
import { EgressPolicy } from '../sandbox/http-gateway/egress-policy.ts';
import type { HttpGateway } from '../sandbox/http-gateway/gateway.ts';
import type { Sandbox, SandboxResult } from '../sandbox/sandbox.ts';
import { type Keyring, noKeyring } from '../secrets/keyring.ts';
import type { Store } from '../store/database.ts';
import type { AttemptRef, BegunAttempt } from '../store/execution-ledger/begin-attempt.ts';
import { writeLogs, type LogChunk } from '../store/execution-ledger/write-logs.ts';
import { AttemptLog } from './attempt-log.ts';
import type { Checkpoint } from './checkpoint.ts';
import { AttemptCalls, CallLimitReached, type ReachedCall } from './attempt-calls.ts';
import { createCallCount } from './call-count.ts';
import { HandlerCalls } from './handler-calls.ts';
import { contextJsonOf } from './handler-context.ts';
import { HandlerRequests } from './handler-requests.ts';
import { createHelperUpdate } from './helper-update.ts';
import { maskedResult } from './masked-result.ts';
import { type PreparedRun, prepareRun, secretMissing, type SecretMissing } from './prepare-run.ts';
import { toolOf } from './tool-context.ts';

export interface RunInCageDeps {
  readonly store: Store;
  readonly sandbox: Sandbox;
  readonly client: Client;
  readonly helpers: readonly Helper[];
  readonly gateway: HttpGateway;
  /** Left out: handlers that are granted secrets cannot run here. */
  readonly keys?: Keyring | undefined;
  readonly checkpoint?: Checkpoint | undefined;
  readonly metrics?: Metrics | undefined;
  /** The user's time in one attempt, milliseconds. */
  readonly wallMs?: number | undefined;
}

/** How a run in the cage ended: by the handler, or because the platform failed under it. Nothing of it tells a secret. */
export type CageRun = {
  readonly reached: readonly ReachedCall[];
  /** Output that the store does not have yet. */
  readonly logs: readonly LogChunk[];
} & (
  | { readonly kind: 'ended'; readonly result: HandlerResult }
  | { readonly kind: 'broke'; readonly cause: unknown; readonly runMs: number }
);

/** Of the handler, which may not even have been begun. */
export type HandlerResult = SandboxResult | SecretMissing;

export async function runInCage(
  deps: RunInCageDeps,
  ref: AttemptRef,
  begun: BegunAttempt,
  timing: RunTiming,
): Promise<CageRun> {
  const notRun = { reached: [], logs: [], runMs: 0 };
  try {
    const prepared = await prepareRun(deps.store.db, deps.keys ?? noKeyring, ref, begun);
    const { missing } = prepared.secrets;
    if (missing.length > 0) return { ...notRun, kind: 'ended', result: secretMissing(missing) };
    return await runPrepared(deps, ref, begun, timing, prepared);
  } catch (cause) {
    return { ...notRun, kind: 'broke', cause };
  }
}

interface RunTiming {
  readonly startedAt: Date;
  readonly callsInFlight: number;
}

async function runPrepared(
  deps: RunInCageDeps,
  ref: AttemptRef,
  begun: BegunAttempt,
  { startedAt, callsInFlight }: RunTiming,
  { secrets, masker, privacy, ledger }: PreparedRun,
): Promise<CageRun> {
  const { db } = deps.store;
  const log = new AttemptLog((chunks) => writeLogs(db, ref, chunks), masker);
  const { egress = {}, limits = {} } = begun.program.settings;
  const calls = new AttemptCalls(ledger, limits, privacy);
  const common = {
    db,
    ref,
    calls,
    keys: deps.keys ?? noKeyring,
    privacy,
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
  const counted = createCallCount(deps.metrics, ref.organizationId);
  const most = handlerLimitsOf(limits);
  const ranFrom = performance.now();
  try {
    const run = deps.sandbox.run(
      {
        language: begun.program.language,
        code: begun.program.code,
        contextJson: contextJsonOf(begun, ref.attempt, secrets.values),
        helpers: deps.helpers,
        callsInFlight,
        requestsInFlight: limits.requestsAtOnce,
        tool: toolOf(begun, secrets.credentials),
        randomSeed: begun.rootId,
        limits: {
          ...most,
          wallMs: Math.min(most.wallMs, deps.wallMs ?? most.wallMs),
          // Counted from the start of the attempt, so that recording still fits into it.
          spentMs: Date.now() - startedAt.getTime(),
        },
      },
      {
        call: (call) => counted(call.name, helperCalls.answer(call)),
        request: (request) => counted('http', requests.answer(request)),
        log: (stream, text) => {
          log.add(stream, text);
        },
      },
      cancellationSignal(),
    );
    const result = await run.finally(() => requests.end());
    return { kind: 'ended', result: maskedResult(masker, result), reached: calls.reached, logs: await log.drain() };
  } catch (cause) {
    const runMs = performance.now() - ranFrom;
    const logs = await log.drain();
    if (cause instanceof CallLimitReached) {
      const error = { type: 'LimitExceeded', message: cause.message, traceback: '' };
      const result: SandboxResult = { outcome: 'failed', reason: 'limit_exceeded', error, events: [], runMs };
      return { kind: 'ended', result, reached: calls.reached, logs };
    }
    return { kind: 'broke', cause: privacy.failure(cause), runMs, reached: calls.reached, logs };
  }
}
