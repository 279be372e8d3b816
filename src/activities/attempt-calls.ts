import type { HandlerLimits } from '../contract/handler-limits.ts';
import { limits } from '../domain/limits.ts';
import { decideCall, type CallDecision, type CallEffect } from '../domain/recorded-calls.ts';
import type { Ledger, LedgerCall } from '../store/execution-ledger/calls.ts';

/** The handler made more calls than an execution may: it is killed and not tried again. */
export class CallLimitReached extends Error {
  override readonly name = 'CallLimitReached';
}

export interface ReachedCall {
  readonly callId: string;
  /** Whose call it was. */
  readonly executionId: string;
  /** Arguments that differed from the recorded ones while the recorded answer was used. */
  readonly driftJson: string | null;
}

const words = { helperCalls: 'helper calls', requests: 'HTTP requests' } as const;
type Counted = keyof typeof words;

/** What one attempt knows of its execution's calls: which call of its name this is, and what the ledger says of it. */
export class AttemptCalls {
  readonly #recorded: ReadonlyMap<string, LedgerCall>;
  readonly #counts = new Map<string, number>();
  readonly #reached: ReachedCall[] = [];
  readonly #made: Record<Counted, number>;
  readonly #most: Record<Counted, number>;

  /** `own`: the handler's own limits, where it has any. */
  constructor(ledger: Ledger, own: Pick<HandlerLimits, 'calls' | 'requests'> = {}) {
    this.#most = {
      helperCalls: own.calls ?? limits.helperCallsPerExecution,
      requests: own.requests ?? limits.httpRequestsPerExecution,
    };
    this.#made = { ...ledger.made };
    this.#recorded = new Map(ledger.calls.map((call) => [`${call.name}/${String(call.n)}`, call]));
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

  decide(name: string, n: number, effect: CallEffect, argsJson: string): CallDecision<LedgerCall> {
    const decision = decideCall(this.#recorded.get(`${name}/${String(n)}`), effect, argsJson);
    if (decision.kind !== 'make') {
      const { callId, executionId } = decision.recorded;
      this.#reached.push({ callId, executionId, driftJson: decision.drifted ? argsJson : null });
    }
    return decision;
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
