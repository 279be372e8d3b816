import type { HandlerLimits } from '../contract/handler-limits.ts';
import { limits } from '../domain/limits.ts';
import { decideCall, type CallDecision, type CallEffect } from '../domain/recorded-calls.ts';
import type { Ledger, LedgerCall } from '../store/execution-ledger/calls.ts';
import { type CallPrivacy, openCalls } from './call-privacy.ts';

/** The handler made more calls than an execution may: it is killed and not tried again. */
export class CallLimitReached extends Error {
  override readonly name = 'CallLimitReached';
}

export interface ReachedCall {
  readonly callId: string;
  /** Whose call it was. */
  readonly executionId: string;
  /** Arguments, as they may be shown, that differed from the recorded ones while the recorded answer was used. */
  readonly driftJson: string | null;
}

const words = { helperCalls: 'helper calls', requests: 'HTTP requests' } as const;
type Counted = keyof typeof words;

/** What one attempt knows of its execution's calls: which call of its name this is, and what the ledger says of it. */
export class AttemptCalls {
  readonly #recorded: ReadonlyMap<string, LedgerCall>;
  /** Under which each was recorded first. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #counts = new Map<string, number>();
  readonly #reached: ReachedCall[] = [];
  readonly #made: Record<Counted, number>;
  readonly #most: Record<Counted, number>;
  readonly #privacy: CallPrivacy;

  /** `own`: the handler's own limits, where it has any. */
  constructor(ledger: Ledger, own: Pick<HandlerLimits, 'calls' | 'requests'> = {}, privacy: CallPrivacy = openCalls) {
    this.#most = {
      helperCalls: own.calls ?? limits.helperCallsPerExecution,
      requests: own.requests ?? limits.httpRequestsPerExecution,
    };
    this.#made = { ...ledger.made };
    this.#privacy = privacy;
    // An earlier version may have had in its code, and so in its URLs, what is a secret now.
    const calls = ledger.calls.toSorted((one, other) => one.tryNumber - other.tryNumber);
    const idOf = ({ name, n }: LedgerCall) => `${privacy.text(name)}/${String(n)}`;
    this.#recorded = new Map(calls.map((call) => [idOf(call), call]));
    this.#names = new Map(calls.toReversed().map((call) => [idOf(call), call.name]));
  }

  /** Calls of earlier attempts, of a re-run also of its predecessors, that this one came to again. */
  get reached(): readonly ReachedCall[] {
    return this.#reached;
  }

  /** The number of the call of this name that comes now, from 1. */
  nth(name: string): number {
    const n = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, n);
    return n;
  }

  /** The name under which a call was first recorded: from it its key was made. */
  recordedName(name: string, n: number): string {
    return this.#names.get(`${name}/${String(n)}`) ?? name;
  }

  decide(name: string, n: number, effect: CallEffect, argsJson: string): CallDecision<LedgerCall> {
    const decision = decideCall(this.#recorded.get(`${name}/${String(n)}`), effect, argsJson);
    if (decision.kind !== 'make') {
      const { callId, executionId } = decision.recorded;
      this.#reached.push({ callId, executionId, driftJson: this.#shownDrift(decision, argsJson) });
    }
    return decision;
  }

  /** A secret that was changed between two attempts is no difference that anybody could see. */
  #shownDrift({ recorded, drifted }: { recorded: LedgerCall; drifted: boolean }, argsJson: string): string | null {
    if (!drifted) return null;
    const shown = this.#privacy.json(argsJson);
    return shown === this.#privacy.json(recorded.argsJson) ? null : shown;
  }

  /** Before a call is made anew. Throws CallLimitReached. */
  count(kind: Counted): void {
    const most = this.#most[kind];
    if (this.#made[kind] >= most) {
      const message = `The handler made more than the ${String(most)} ${words[kind]} it may make in all its attempts. Make fewer.`;
      throw new CallLimitReached(message);
    }
    this.#made[kind] += 1;
  }
}
