/**
 * Which answer a call of a retried handler gets. A call is identified by (execution, name, n): the n-th call of that
 * name. Pure: the worker asks here, then acts.
 */
export type CallEffect = 'read' | 'write' | 'external';

export type CallState =
  /** Written before anything left; the answer is not known (yet). */
  | 'intent'
  | 'succeeded'
  /** A final no: the helper refused, the same arguments would be refused again. */
  | 'refused'
  /** Not an answer: made again on the next attempt. */
  | 'transient';

export interface RecordedCall {
  readonly callId: string;
  readonly tryNumber: number;
  readonly state: CallState;
  readonly argsJson: string;
}

export type CallDecision<Recorded extends RecordedCall> =
  | { readonly kind: 'make'; readonly tryNumber: number }
  /** In flight when its worker died: waited for, not repeated. */
  | { readonly kind: 'join'; readonly recorded: Recorded; readonly drifted: boolean }
  | { readonly kind: 'replay'; readonly recorded: Recorded; readonly drifted: boolean };

export function decideCall<Recorded extends RecordedCall>(
  newest: Recorded | undefined,
  effect: CallEffect,
  argsJson: string,
): CallDecision<Recorded> {
  if (newest === undefined) return { kind: 'make', tryNumber: 1 };
  if (newest.state === 'transient') return { kind: 'make', tryNumber: newest.tryNumber + 1 };
  const drifted = newest.argsJson !== argsJson;
  if (drifted && effect === 'read') return { kind: 'make', tryNumber: newest.tryNumber + 1 };
  return { kind: newest.state === 'intent' ? 'join' : 'replay', recorded: newest, drifted };
}

/** `POST https://api.example.com/crm`: an HTTP request; helpers' names have no space. */
export function isRequestName(name: string): boolean {
  return name.includes(' ');
}

/** The update's id: two handlers of one event never share a call, and one call is made once per try. */
export function updateIdOf(executionId: string, name: string, n: number, tryNumber: number): string {
  return `${executionId}/${name}/${String(n)}/${String(tryNumber)}`;
}
