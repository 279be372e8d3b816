import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import { limits } from '../domain/limits.ts';
import type { EgressPolicy } from '../sandbox/http-gateway/egress-policy.ts';
import type { HttpGateway, HttpOutcome } from '../sandbox/http-gateway/gateway.ts';
import { isFinalFailure } from '../sandbox/http-gateway/http-failure.ts';
import type { RequestReply, SandboxRequest } from '../sandbox/sandbox.ts';
import { recordOutcome, withAnswer, type CallOutcome, type LedgerCall } from '../store/execution-ledger/calls.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { AttemptCalls } from './attempt-calls.ts';
import type { CallPrivacy } from './call-privacy.ts';
import type { CheckpointSubject } from './checkpoint.ts';
import { openCall } from './opened-calls.ts';
import {
  isFinalStatus,
  isRead,
  parseResponse,
  requestEffect,
  requestJson,
  requestName,
  responseJson,
} from './recorded-request.ts';
import { writeIntent, type WriteIntentDeps } from './write-intent.ts';

export interface HandlerRequestsDeps extends WriteIntentDeps {
  readonly calls: AttemptCalls;
  readonly keys: Keyring;
  readonly privacy: CallPrivacy;
  /** The execution where the record began: a re-run's keys are those of what it runs again. */
  readonly rootId: string;
  readonly gateway: HttpGateway;
  readonly egress: EgressPolicy;
}

interface SentRequest extends CheckpointSubject {
  readonly callId: string;
}

/** Answers the HTTP requests of one attempt: from the ledger where the answer is known, else by sending them. */
export class HandlerRequests {
  readonly #deps: HandlerRequestsDeps;
  readonly #ended = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(deps: HandlerRequestsDeps) {
    this.#deps = deps;
  }

  answer(request: SandboxRequest): Promise<RequestReply> {
    const answer = this.#answer({ ...request, method: request.method.toUpperCase() });
    const settled = answer.then(forget, forget);
    this.#underWay.add(settled);
    return answer;
  }

  /** The handler is gone: what is under way is given up, and that is recorded. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#underWay);
  }

  async #answer(request: SandboxRequest): Promise<RequestReply> {
    const { db, ref, rootId, calls, privacy } = this.#deps;
    // A secret in the URL is named in its place: so it is the same request also when the secret was changed meanwhile.
    const name = requestName({ method: privacy.text(request.method), url: privacy.text(request.url) });
    const effect = requestEffect(request);
    const nth = calls.nth(name);
    // The same for every try, every attempt and every re-run: the other side can tell a repeat by it.
    const key = isRead(request.method) ? undefined : uuidv5(`${calls.recordedName(name, nth)}/${String(nth)}`, rootId);
    const argsJson = requestJson(request, key);
    const decision = calls.decide(name, nth, effect, argsJson);
    if (decision.kind === 'replay') return this.#toReply(await withAnswer(db, ref.organizationId, decision.recorded));
    // In flight when its worker died. Whether it arrived nobody knows: it goes again, with the same key.
    const subjectOf = (callId: string) => ({ executionId: ref.executionId, call: `${name}/${String(nth)}`, callId });
    if (decision.kind === 'join') return this.#send(request, key, subjectOf(decision.recorded.callId));
    calls.count('requests');
    const call = { callId: uuidv7(), name, n: nth, tryNumber: decision.tryNumber, effect, argsJson };
    const subject = subjectOf(call.callId);
    const intent = await writeIntent(this.#deps, { ...call, ...privacy.arguments(call.callId, argsJson) }, subject);
    if (intent !== 'recorded' && intent.state !== 'intent') return this.#toReply(intent);
    return this.#send(request, key, intent === 'recorded' ? subject : subjectOf(intent.callId));
  }

  async #send(request: SandboxRequest, key: string | undefined, subject: SentRequest): Promise<RequestReply> {
    const { db, ref, gateway, egress, privacy, checkpoint } = this.#deps;
    const { connectMs = limits.httpDefaultTimeoutMs, readMs = limits.httpDefaultTimeoutMs } = request;
    const outcome = await gateway.send(
      {
        ...request,
        headers: withKey(request.headers, key),
        connectMs: Math.min(connectMs, limits.attemptMs),
        readMs: Math.min(readMs, limits.attemptMs),
        egress,
        organization: ref.organizationId,
      },
      this.#ended.signal,
    );
    await checkpoint?.('request:unrecorded', subject);
    const recorded = privacy.outcome(subject.callId, toRecord(outcome));
    await recordOutcome(db, ref.organizationId, subject.callId, recorded);
    await checkpoint?.('request:recorded', subject);
    return outcome.ok ? { ok: true, response: outcome.response } : { ok: false, error: outcome.failure };
  }

  #toReply(recorded: LedgerCall): RequestReply {
    const call = openCall(this.#deps.keys, this.#deps.ref.organizationId, recorded);
    if (call.answerJson !== null) return { ok: true, response: parseResponse(call.answerJson) };
    if (call.error !== null) return { ok: false, error: call.error };
    throw new Error(`request ${call.callId} has no answer`);
  }
}

function forget(): void {
  // Whoever asked hears of it.
}

function withKey(headers: SandboxRequest['headers'], key: string | undefined): SandboxRequest['headers'] {
  if (key === undefined || headers.some(([name]) => name.toLowerCase() === 'idempotency-key')) return headers;
  return [...headers, ['Idempotency-Key', key]];
}

function toRecord(outcome: HttpOutcome): CallOutcome {
  if (!outcome.ok) {
    const state = isFinalFailure(outcome.failure.code) ? 'refused' : 'transient';
    return { state, answerJson: null, error: outcome.failure };
  }
  const state = isFinalStatus(outcome.response.status) ? 'succeeded' : 'transient';
  return { state, answerJson: responseJson(outcome.response), error: null };
}
