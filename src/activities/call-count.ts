import type { Metrics } from '../observability/metrics.ts';

type Reply = { readonly ok: true } | { readonly ok: false; readonly error: { readonly code: string } };

/** Counts each answer that a handler gets, with the time it waited. One that never comes is not counted. */
export function createCallCount(metrics: Metrics | undefined, organizationId: string) {
  return async function counted<Answer extends Reply>(name: string, answer: Promise<Answer>): Promise<Answer> {
    const from = performance.now();
    const answered = await answer;
    const outcome = answered.ok ? 'succeeded' : answered.error.code;
    metrics?.callEnded({ organizationId, name, outcome, durationMs: performance.now() - from });
    return answered;
  };
}
