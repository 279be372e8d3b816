import { v7 as uuidv7 } from 'uuid';
import { JsonObject, JsonValue } from '../contract/json.ts';
import type { HelperCall, HelperCallOutcome } from '../contract/workflow.ts';
import { limits } from '../domain/limits.ts';
import { updateIdOf } from '../domain/recorded-calls.ts';
import type { ActivityHelper } from '../helpers/helper.ts';
import type { CallReply, SandboxCall } from '../sandbox/sandbox.ts';
import {
  readCall,
  recordOutcome,
  withAnswer,
  type CallOutcome,
  type LedgerCall,
} from '../store/execution-ledger/calls.ts';
import type { Keyring } from '../secrets/keyring.ts';
import type { AttemptCalls } from './attempt-calls.ts';
import type { CallPrivacy } from './call-privacy.ts';
import { openCall } from './opened-calls.ts';
import { writeIntent, type WriteIntentDeps } from './write-intent.ts';

export interface HandlerCallsDeps extends WriteIntentDeps {
  readonly calls: AttemptCalls;
  readonly keys: Keyring;
  readonly privacy: CallPrivacy;
  readonly helpers: ReadonlyMap<string, ActivityHelper>;
  /** Asks the workflow to run the helper; the same id is never run twice, a second asker joins the first. */
  readonly update: (updateId: string, call: HelperCall) => Promise<HelperCallOutcome>;
}

/** Answers the calls of one attempt: from the ledger where the answer is known, else by the helper, once. */
export class HandlerCalls {
  readonly #deps: HandlerCallsDeps;

  constructor(deps: HandlerCallsDeps) {
    this.#deps = deps;
  }

  async answer({ name, args }: SandboxCall): Promise<CallReply> {
    const helper = this.#deps.helpers.get(name);
    if (helper === undefined) return refusal('invalid_arguments', `there is no helper ${name}`);
    const argsJson = JSON.stringify(args);
    if (Buffer.byteLength(argsJson) > limits.callArgumentsBytes) {
      const kilobytes = String(limits.callArgumentsBytes / 1024);
      return refusal('limit_exceeded', `${name}: the arguments are larger than ${kilobytes} KB`);
    }
    const n = this.#deps.calls.nth(name);
    const decision = this.#deps.calls.decide(name, n, helper.effect, argsJson);
    if (decision.kind === 'make') return this.#make(helper, { ...args }, argsJson, n, decision.tryNumber);
    const { recorded } = decision;
    if (decision.kind === 'join') return this.#send(helper, recorded);
    return this.#toReply(await withAnswer(this.#deps.db, this.#deps.ref.organizationId, recorded));
  }

  async #make(helper: ActivityHelper, args: JsonObject, argsJson: string, n: number, tryNumber: number) {
    this.#deps.calls.count('helperCalls');
    const { ref, privacy, keys } = this.#deps;
    const call = { callId: uuidv7(), name: helper.name, n, tryNumber, effect: helper.effect, argsJson };
    const subject = { executionId: ref.executionId, call: `${call.name}/${String(n)}`, callId: call.callId };
    const intent = await writeIntent(this.#deps, { ...call, ...privacy.arguments(call.callId, argsJson) }, subject);
    return this.#send(helper, intent === 'recorded' ? call : openCall(keys, ref.organizationId, intent), args);
  }

  async #send(
    helper: ActivityHelper,
    call: Pick<LedgerCall, 'callId' | 'n' | 'tryNumber' | 'argsJson'>,
    args: JsonObject = JsonObject.parse(JSON.parse(call.argsJson)),
  ): Promise<CallReply> {
    const { db, ref, privacy, checkpoint } = this.#deps;
    const outcome = await this.#deps.update(updateIdOf(ref.executionId, helper.name, call.n, call.tryNumber), {
      organizationId: ref.organizationId,
      callId: call.callId,
      executionId: ref.executionId,
      name: helper.name,
      summary: helper.show(privacy.object(args)).slice(0, 200),
    });
    if (outcome.outcome !== 'answered') {
      const recorded = privacy.outcome(call.callId, unansweredAs(helper, args, outcome));
      await recordOutcome(db, ref.organizationId, call.callId, recorded);
      if (outcome.outcome === 'cancelled') return untilKilled();
    }
    const answered = await readCall(db, ref.organizationId, call.callId);
    await checkpoint?.('answer:read', {
      executionId: ref.executionId,
      call: `${helper.name}/${String(call.n)}`,
      callId: call.callId,
    });
    return this.#toReply(answered);
  }

  #toReply(recorded: LedgerCall): CallReply {
    const call = openCall(this.#deps.keys, this.#deps.ref.organizationId, recorded);
    if (call.state === 'succeeded') return { ok: true, value: JsonValue.parse(JSON.parse(call.answerJson ?? 'null')) };
    if (call.error !== null) return { ok: false, error: call.error };
    throw new Error(`call ${call.callId} has no answer`);
  }
}

/**
 * The cancellation that refused the call comes to this attempt with its next heartbeat and kills the cage. An answer
 * would let the handler fail of it, or go on, before that.
 */
function untilKilled(): Promise<never> {
  return new Promise(() => undefined);
}

function unansweredAs(
  helper: ActivityHelper,
  args: JsonObject,
  outcome: Exclude<HelperCallOutcome, { outcome: 'answered' }>,
): CallOutcome {
  if (outcome.outcome === 'cancelled') {
    const error = { code: 'run_cancelled', message: `${helper.name}: the run was cancelled` };
    return { state: 'transient', answerJson: null, error };
  }
  const instead = helper.works === 'outside' ? helper.fallback(args) : undefined;
  const message = `${helper.name} could not do its work: ${outcome.message}`;
  const error = { code: 'helper_unavailable', message };
  return instead === undefined
    ? { state: 'transient', answerJson: null, error }
    : { state: 'succeeded', answerJson: JSON.stringify(instead), error };
}

function refusal(code: string, message: string): CallReply {
  return { ok: false, error: { code, message } };
}
