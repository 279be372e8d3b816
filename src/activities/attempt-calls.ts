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

const most = {
  helperCalls: { calls: limits.helperCallsPerExecution, word: 'helper calls' },
  requests: { calls: limits.httpRequestsPerExecution, word: 'HTTP requests' },
} as const;

/** What one attempt knows of its execution's calls: which call of its name this is, and what the ledger says of it. */
export class AttemptCalls {
  readonly #recorded: ReadonlyMap<string, LedgerCall>;
  readonly #counts = new Map<string, number>();
  readonly #reached: ReachedCall[] = [];
  readonly #made: Record<keyof typeof most, number>;

  constructor(ledger: Ledger) {
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
  count(kind: keyof typeof most): void {
    const { calls, word } = most[kind];
    if (this.#made[kind] >= calls) {
      throw new CallLimitReached(`the handler made more than ${String(calls)} ${word} in all its attempts`);
    }
    this.#made[kind] += 1;
  }
}
